"""What a program can reach: nothing."""

import socket

import pytest

from knm.sandbox import Limits, Verdict
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases, output_of

FFI = """
local ffi = require("ffi")
ffi.cdef[[
  int getpid(void); int getppid(void); int getuid(void); int geteuid(void);
  int kill(int, int); int fork(void); int setsid(void); long ptrace(int, int, void *, void *);
  int unshare(int); int chroot(const char *); int chdir(const char *); int mkdir(const char *, int);
  int socket(int, int, int); int connect(int, const void *, unsigned);
  int mount(const char *, const char *, const char *, unsigned long, const void *);
  int setuid(int); int prctl(int, long, long, long, long); int getrlimit(int, unsigned long *);
  int setrlimit(int, const unsigned long *); long read(int, void *, size_t);
  long write(int, const void *, size_t); int fcntl(int, int);
  extern char **environ;
]]
local C = ffi.C
"""


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/1/mem", __file__, "/dev/null"]
)
def test_no_file_can_be_read(sandbox, path):
    assert output_of(sandbox, f"print((io.open({path!r})))") == "nil\n"


def test_root_is_empty_and_stays_so(sandbox):
    program = """
    for _, path in ipairs({"/x", "x", "/tmp/x", "/dev/shm/x", "../x"}) do
      print((io.open(path, "w")))
    end
    print((io.tmpfile()), (pcall(os.tmpname)), (os.rename("/", "/x")), (os.remove("/")))
    """
    assert output_of(sandbox, program) == "nil\n" * 5 + "nil\tfalse\tnil\tnil\n"
    assert output_of(sandbox, FFI + 'print(C.mkdir("/x", 511))') == "-1\n"


def test_environment_is_empty(sandbox, monkeypatch):
    monkeypatch.setenv("KNM_SECRET", "hidden")
    program = 'print(os.getenv("KNM_SECRET"), os.getenv("PATH"), os.getenv("LC_CTYPE"))'
    assert output_of(sandbox, program) == "nil\tnil\tnil\n"
    nothing = "print(C.environ == nil or C.environ[0] == nil, os.setlocale())"
    assert output_of(sandbox, FFI + nothing) == "true\tC\n"


def test_no_command_can_be_run(sandbox):
    program = 'print((io.popen("ls")), os.execute("true") == 0, os.execute() == 1)'
    assert output_of(sandbox, program) == "nil\tfalse\tfalse\n"
    assert output_of(sandbox, FFI + "print(C.fork())") == "-1\n"


def test_network_is_unreachable(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        where = f"{{2, 0, {port >> 8}, {port & 255}, 127, 0, 0, 1}}"
        program = f"""
        local address = ffi.new("unsigned char[16]", {where})
        print(C.connect(C.socket(2, 1, 0), address, 16))
        """
        assert output_of(sandbox, FFI + program) == "-1\n"


def test_only_the_standard_streams_are_open(sandbox):
    program = "for fd = 0, 200 do if C.fcntl(fd, 1) >= 0 then io.write(fd, ' ') end end"
    assert output_of(sandbox, FFI + program) == "0 1 2 "


def test_program_is_an_unprivileged_user_alone_with_the_verifier(sandbox):
    assert output_of(sandbox, FFI + "print(C.getuid(), C.geteuid())") == "65534\t65534\n"
    assert output_of(sandbox, FFI + "print(C.getppid())") == "1\n"
    assert output_of(sandbox, FFI + "print(C.ptrace(16, 1, nil, nil))") == "-1LL\n"


def test_no_privilege_can_be_won_back(sandbox):
    program = """
    print(C.setuid(0), C.unshare(0x10000000), C.unshare(0x20000), C.chroot("/"))
    print(C.mount("none", "/", "tmpfs", 0, nil), C.prctl(38, 0, 0, 0, 0), C.prctl(23, 21, 0, 0, 0))
    local limit = ffi.new("unsigned long[2]", {1000, 1000})
    print(C.setrlimit(6, limit))
    """
    assert output_of(sandbox, FFI + program) == "-1\t-1\t-1\t-1\n-1\t-1\t-1\n-1\n"


@pytest.mark.parametrize("target", ["-1", "1", "C.getppid()", "0"])
def test_killing_harms_nobody_else(sandbox, target):
    before = sandbox.judge(SUM_PROGRAM, SUM)
    sandbox.judge(FFI + f"C.kill({target}, 9) C.kill({target}, 19)", cases(("", "")))
    after = sandbox.judge(SUM_PROGRAM, SUM)
    assert before.verdict is after.verdict is Verdict.ACCEPTED


def test_nothing_of_one_test_is_seen_by_the_next(sandbox):
    program = """
    print(seen, package.loaded.mark, string.mark, io.read("*a"))
    seen, package.loaded.mark, string.mark = 1, 1, 1
    debug.setmetatable("", {__index = {mark = 1}})
    io.stdout:setvbuf("no") io.stdin:close() io.stderr:close()
    """
    tests = cases(("a", "nil\tnil\tnil\ta"), ("b", "nil\tnil\tnil\tb"))
    assert sandbox.judge(program, tests).verdict is Verdict.ACCEPTED


# Counts the pages of this process's memory that a pattern fits (one that does not fit itself),
# wherever the verifier's heap lies: anonymous memory is mapped next to the libraries.
SEARCH = (
    FFI
    + """
ffi.cdef[[
  long pwrite(int, const void *, size_t, long); long pread(int, void *, size_t, long);
  void *sbrk(intptr_t);
]]
local page, buffer = 4096, ffi.new("char[?]", 4096)
-- Through a file: the kernel refuses to write what is not mapped, and nothing crashes.
local function read(address)
  return C.pwrite(2, ffi.cast("void *", address), page, 0) == page
    and C.pread(2, buffer, page, 0) == page
end
local function pages_with(pattern, middle, reach)
  local found = 0
  middle = middle - middle % page
  for start = middle - reach, middle + reach, page do
    if read(start) and ffi.string(buffer, page):find(pattern) then found = found + 1 end
  end
  return found
end
local function search(pattern)
  local library = tonumber(ffi.cast("uintptr_t", ffi.cast("void *", C.getpid)))
  local heap = tonumber(ffi.cast("uintptr_t", C.sbrk(0)))
  return pages_with(pattern, library, 32 * 2 ^ 20) + pages_with(pattern, heap, 16 * 2 ^ 20)
end
"""
)


def test_memory_holds_no_input_or_output_of_another_test(sandbox):
    wide = Limits(cpu_seconds=10, wall_seconds=30)
    given, printed = "given-" + "s3cret", "printed-" + "s3cret"
    first = 'if io.read("*l") then print("printed-" .. "s3" .. "cret") os.exit(0) end\n'
    hunt = first + SEARCH + 'print(search("%-s3c[r]et"))'
    judgement = sandbox.judge(hunt, cases((given, printed), ("", "0")), limits=wide)
    assert judgement.verdict is Verdict.ACCEPTED, judgement
    # The hunter does find what the verifier's memory holds: a message of its own.
    control = SEARCH + 'print(search("luajit: not enough [m]emory") > 0)'
    judgement = sandbox.judge(control, cases(("", "true")), limits=wide)
    assert judgement.verdict is Verdict.ACCEPTED, judgement
