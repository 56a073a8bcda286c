"""Running a Lua program as the `luajit` or `lua` program would, inside this process.

The interpreter is a shared library, such as those that `lupa` ships, driven through the C API of
Lua 5.1, or of 5.2 and later. No Python object is handed to Lua; but a program with `ffi` can reach
all of this process, the Python in it included: it is the jail that holds it. Messages, traceback
and exit status are those of `luajit FILE`.
"""

import codecs
import ctypes

from . import system

MULTIPLE_RESULTS = -1

# Turns the error object into the message that is reported. Upvalues, because the program may have
# replaced the globals by the time that they are needed.
ON_ERROR = b"""
local traceback, metatable, type, tostring = debug.traceback, debug.getmetatable, type, tostring
local _VERSION = _VERSION
return function(object)
  if type(object) ~= "string" and type(object) ~= "number" then
    local meta = metatable(object)
    if object == nil or not (meta and meta.__tostring) then
      return _VERSION == "Lua 5.1" and object or "(error object is a " .. type(object) .. " value)"
    end
    object = tostring(object)
    if type(object) ~= "string" then return object end
  end
  return traceback(object, 2)
end
"""


class LuaInterpreter:
    """The interpreter in `library`, a shared object that exports the C API of Lua.

    Raises:
        OSError: it cannot be loaded.
        AttributeError: it does not export what is needed.
    """

    executes = False

    def __init__(self, library: str, program: str, filename: str) -> None:
        self.library = library
        self.api = declare(ctypes.CDLL(library))
        self.chunk_name = f"@{filename}".encode()
        self.prefix = f"{program}: ".encode()
        self.out_of_memory = self.prefix + b"not enough memory\n"
        # One state for all: each process that runs a program has its own copy, untouched so far.
        self.state: int = self.api.luaL_newstate()
        self.api.luaL_openlibs(self.state)
        self.call(b"return jit and jit.version or _VERSION")
        self.version = (self.text() or b"").decode()
        self.is_luajit = self.version.startswith("LuaJIT")
        self.api.lua_settop(self.state, 0)
        self.call(f"arg = {{[-1] = '{program}', [0] = '{filename}'}}".encode())
        self.call(ON_ERROR)
        self.on_error = self.api.lua_gettop(self.state)

    def compile(self, source: bytes) -> int:
        """Check the syntax alone; the exit status, the message written to standard error."""
        return 0 if self.load(source) else 1

    def run(self, source: bytes) -> int:
        """Run a program to its end; the exit status. It may also leave by `os.exit`."""
        if not self.load(source):
            return 1
        failed = self.protected_call(results=0, handler=self.on_error)
        if failed:
            self.report()
        # Finalizers run now, as they do when luajit ends, and their output counts.
        self.api.lua_close(self.state)
        system.flush_streams()
        return 1 if failed else 0

    def clear(self) -> None:
        """Nothing: a program is run in a process of its own and leaves nothing here."""

    def prepare(self, script: bytes, pointer: int) -> int:
        """Run a script of our own in a state of its own; the state, with what it returns on top.

        Args:
            script: its text.
            pointer: its argument, as light user data.

        Raises:
            OSError: it failed; the message is its own.
        """
        state: int = self.api.luaL_newstate()
        self.api.luaL_openlibs(state)
        failed = self.api.luaL_loadbufferx(state, script, len(script), b"=script", b"t")
        self.api.lua_pushlightuserdata(state, pointer)
        if failed or self.protected_call(results=1, handler=0, arguments=1, state=state):
            raise OSError((self.text(state) or b"").decode(errors="replace"))
        return state

    def call_prepared(self, state: int) -> None:
        """Call the function that a script has returned.

        Raises:
            OSError: it failed; the message is its own.
        """
        if self.protected_call(results=0, handler=0, state=state):
            raise OSError((self.text(state) or b"").decode(errors="replace"))

    def call(self, chunk: bytes) -> None:
        """Run a chunk of our own and leave its results on the stack."""
        failed = self.api.luaL_loadbufferx(
            self.state, chunk, len(chunk), b"=setup", b"t"
        ) or self.protected_call(results=MULTIPLE_RESULTS, handler=0)
        assert not failed, self.text()

    def protected_call(
        self, *, results: int, handler: int, arguments: int = 0, state: int | None = None
    ) -> int:
        """lua_pcall of the function below `arguments` on top of a stack, ours if none is named."""
        state = state or self.state
        if hasattr(self.api, "lua_pcallk"):
            return int(self.api.lua_pcallk(state, arguments, results, handler, None, None))
        return int(self.api.lua_pcall(state, arguments, results, handler))

    def load(self, source: bytes) -> bool:
        """Compile the program (text only, no bytecode) and push it, or report why not."""
        source = without_head(source)
        failed = self.api.luaL_loadbufferx(self.state, source, len(source), self.chunk_name, b"t")
        if failed:
            self.report()
        return not failed

    def report(self) -> None:
        """Write the error object on top of the stack to standard error."""
        message = self.text()
        if message is None:
            message = b"(error object is not a string)"
        system.flush_streams()
        system.write_all(2, self.prefix + message + b"\n")

    def text(self, state: int | None = None) -> bytes | None:
        """The string or number on top of the stack, ours if none is named."""
        length = ctypes.c_size_t()
        address = self.api.lua_tolstring(state or self.state, -1, ctypes.byref(length))
        return ctypes.string_at(address, length.value) if address else None


def without_head(source: bytes) -> bytes:
    """A program without what `lua FILE` skips: a byte-order mark, and a first line that has a #."""
    source = source.removeprefix(codecs.BOM_UTF8)
    if not source.startswith(b"#"):
        return source
    end = source.find(b"\n")
    return source[end:] if end >= 0 else b""


def declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Give the functions that we use their C types."""
    state, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
    signatures = {
        "luaL_newstate": (state, []),
        "luaL_openlibs": (None, [state]),
        "luaL_loadbufferx": (
            number,
            [state, ctypes.c_char_p, size, ctypes.c_char_p, ctypes.c_char_p],
        ),
        "lua_tolstring": (ctypes.c_void_p, [state, number, ctypes.POINTER(size)]),
        "lua_gettop": (number, [state]),
        "lua_settop": (None, [state, number]),
        "lua_close": (None, [state]),
        "lua_pushlightuserdata": (None, [state, ctypes.c_void_p]),
    }
    # From 5.2 on lua_pcall is a macro for a function with a continuation.
    if hasattr(library, "lua_pcallk"):
        signatures["lua_pcallk"] = (number, [state, number, number, number, *[ctypes.c_void_p] * 2])
    else:
        signatures["lua_pcall"] = (number, [state, number, number, number])
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
