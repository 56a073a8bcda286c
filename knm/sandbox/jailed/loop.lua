-- What `loop` and `child` do in Python, for programs that LuaJIT runs.
--
-- Once this runs, no Python does: a fork that goes on in Python costs three times as much, nearly
-- all of it for copies of the pages that Python touches, in the child and in the verifier. This
-- script has a state of its own; a program runs in another, prepared before the fork. Namespaces,
-- privileges and the filter are Python's work (see `verifier`), done before `serve` is called.
-- Structures have the names and the order of those in `script` and `framing`.

local pointer = ...
jit.off()
local bit, ffi = require("bit"), require("ffi")
ffi.cdef [[
typedef struct lua_State lua_State;
typedef struct {
  const char *library, *chunk_name, *prefix;
  lua_State *state;
  int on_error, highest_descriptor, alone_in_namespace, strays;
  uint64_t baseline, stderr_head, stderr_tail;
  void *filter;
  uint32_t **own;
  uint64_t owns;
  int rlimit_cpu, rlimit_fsize, rlimit_as, rlimit_nproc;
} knm_setup;
typedef struct {
  uint32_t kind, unused; uint64_t size;
  double cpu_seconds; uint64_t memory_bytes, output_bytes;
  double compiler_seconds; uint64_t compiler_memory;
} knm_request;
typedef struct {
  int32_t status, signal; uint32_t stopped, fault;
  double cpu_seconds, wall_seconds;
  uint64_t peak_memory_bytes, stdout_size, head, omitted, tail;
} knm_answer;
typedef struct { int fd; short events, revents; } knm_poll;
typedef struct { long seconds, parts; } knm_time;
typedef struct { knm_time user, system; long most_resident, others[13]; } knm_usage;

int fork(void); int getpid(void); int setpgid(int, int); void _exit(int);
int kill(int, int); int wait4(int, int *, int, knm_usage *);
int pipe(int *); int dup2(int, int); int close(int); int memfd_create(const char *, unsigned);
int64_t lseek(int, int64_t, int); ssize_t splice(int, int64_t *, int, int64_t *, size_t, unsigned);
ssize_t read(int, void *, size_t); ssize_t pread(int, void *, size_t, int64_t);
ssize_t write(int, const void *, size_t);
int poll(knm_poll *, unsigned long, int); int clock_gettime(int, knm_time *);
int setrlimit(int, const uint64_t *); int prctl(int, ...); long syscall(long, ...);
void *malloc(size_t); int fflush(void *); char *strerror(int);

int luaL_loadbufferx(lua_State *, const char *, size_t, const char *, const char *);
int lua_pcall(lua_State *, int, int, int);
const char *lua_tolstring(lua_State *, int, size_t *);
void lua_close(lua_State *);
]]
local libc = ffi.C
local setup = ffi.cast("knm_setup *", pointer)
local liblua = ffi.load(ffi.string(setup.library))
local prefix = ffi.string(setup.prefix)

-- Looked up once: a symbol that each child looks up anew costs it a dozen page faults.
local C, lua = {}, {}
for name in ([[
  fork getpid setpgid _exit kill wait4 pipe dup2 close memfd_create lseek splice read pread write
  poll clock_gettime setrlimit prctl syscall malloc fflush strerror
]]):gmatch("%S+") do C[name] = libc[name] end
for name in ("luaL_loadbufferx lua_pcall lua_tolstring lua_close"):gmatch("%S+") do
  lua[name] = liblua[name]
end

local PROGRAM, RUN, STOP = 1, 2, 3
local CPU, WALL = 1, 2
local SEEK_SET, SEEK_END = 0, 2
local POLLIN, EINTR, SIGKILL = 1, 4, 9
local PIDFD_OPEN, CLOSE_RANGE = 434, 436 -- the same on all architectures
local CLOCK_MONOTONIC = 1
local PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
local SHORTEST_LOOK = 0.005
local LONGEST_LOOK = 3600
local LONGEST_FAULT = 4096
local OUT_OF_MEMORY = "not enough memory"
local word = ffi.typeof("unsigned long") -- a plain number would be passed as a double after `...`
local NONE, FILTER_MODE = word(0), word(SECCOMP_MODE_FILTER)

-- Made once: the verifier stays as small as it is, and a child takes nothing of its program's limit.
local request, answer = ffi.new("knm_request"), ffi.new("knm_answer")
local ends, status, usage = ffi.new("int[2]"), ffi.new("int[1]"), ffi.new("knm_usage")
local polled, clock = ffi.new("knm_poll[2]"), ffi.new("knm_time")
local length, limit, offset = ffi.new("size_t[1]"), ffi.new("uint64_t[2]"), ffi.new("int64_t[1]")
local fault = ffi.new("char[?]", LONGEST_FAULT)

local function check(result, what)
  result = tonumber(result)
  if result < 0 then error(what .. ": " .. ffi.string(C.strerror(ffi.errno())), 0) end
  return result
end

local function now()
  C.clock_gettime(CLOCK_MONOTONIC, clock)
  return tonumber(clock.seconds) + tonumber(clock.parts) * 1e-9
end

local function write_all(descriptor, data, size)
  data = ffi.cast("const char *", data)
  while size > 0 do
    local written = tonumber(C.write(descriptor, data, size))
    if written < 0 then return false end
    data, size = data + written, size - written
  end
  return true
end

-- In the child -----------------------------------------------------------------------------------

local function close_between(first, last)
  if C.syscall(CLOSE_RANGE, word(first), word(last), NONE) == 0 then return end
  for descriptor = first, math.min(last, setup.highest_descriptor) do C.close(descriptor) end
end

-- The program's text, without what `lua FILE` skips: a byte-order mark, and a first line with a #.
local function read_program(file)
  local size = check(C.lseek(file, 0, SEEK_END), "lseek")
  local text = ffi.cast("uint8_t *", C.malloc(size + 1))
  if text == nil then error(OUT_OF_MEMORY, 0) end
  local have = 0
  while have < size do
    local count = check(C.pread(file, text + have, size - have, have), "pread")
    if count == 0 then error("pread: the program is shorter than it was", 0) end
    have = have + count
  end
  local from = 0
  if size >= 3 and text[0] == 0xEF and text[1] == 0xBB and text[2] == 0xBF then from = 3 end
  if from < size and text[from] == string.byte("#") then
    while from < size and text[from] ~= string.byte("\n") do from = from + 1 end
  end
  return ffi.cast("const char *", text + from), size - from
end

local function set_limit(kind, value)
  limit[0], limit[1] = value, value
  check(C.setrlimit(kind, limit), "setrlimit")
end

local function confine(program, stdin, stdout, stderr, tell, bounds)
  check(C.setpgid(0, 0), "setpgid")
  local text, size = read_program(program)
  check(C.dup2(stdin, 0), "dup2")
  check(C.dup2(stdout, 1), "dup2")
  check(C.dup2(stderr, 2), "dup2")
  -- The watcher ends it at the exact time; this is for a watcher that is gone or late. The kernel
  -- counts ticks for it, on a busy machine up to a fifth more than there were.
  set_limit(setup.rlimit_cpu, math.ceil(bounds.cpu_seconds * 1.5) + 1)
  set_limit(setup.rlimit_fsize, bounds.output_bytes)
  set_limit(setup.rlimit_as, bounds.address_space)
  set_limit(setup.rlimit_nproc, 0)
  if tell > 3 then close_between(3, tell - 1) end
  close_between(tell + 1, 2 ^ 31 - 1)
  if setup.filter ~= nil then
    for index = 0, tonumber(setup.owns) - 1 do setup.own[index][0] = C.getpid() end
    check(C.prctl(PR_SET_SECCOMP, FILTER_MODE, setup.filter, NONE, NONE), "no filter of system calls")
  end
  return text, size
end

-- Write the error object on top of the program's stack to standard error.
local function report()
  local message = lua.lua_tolstring(setup.state, -1, length)
  local size = tonumber(length[0])
  if message == nil then
    message = "(error object is not a string)"
    size = #message
  end
  C.fflush(nil)
  write_all(2, prefix, #prefix)
  write_all(2, message, size)
  write_all(2, "\n", 1)
end

local function run(text, size, compiling)
  if lua.luaL_loadbufferx(setup.state, text, size, setup.chunk_name, "t") ~= 0 then
    report()
    return 1
  end
  if compiling then return 0 end
  local failed = lua.lua_pcall(setup.state, 0, 0, setup.on_error) ~= 0
  if failed then report() end
  -- Finalizers run now, as they do when luajit ends, and their output counts.
  lua.lua_close(setup.state)
  C.fflush(nil)
  return failed and 1 or 0
end

-- Confine this process, run the program, leave. Never returns into the verifier's loop.
local function be_child(compiling, program, stdin, stdout, stderr, tell, bounds)
  local confined, text, size = pcall(confine, program, stdin, stdout, stderr, tell, bounds)
  local code = 1
  if not confined and text ~= OUT_OF_MEMORY then
    write_all(tell, text, math.min(#text, LONGEST_FAULT))
    C._exit(code)
  end
  C.close(tell) -- from here on all that is written is the program's
  local fine = confined
  if confined then fine, code = pcall(run, text, size, compiling) end
  if not fine then -- this script found no memory, within the program's limit
    local complaint = prefix .. OUT_OF_MEMORY .. "\n"
    write_all(2, complaint, #complaint)
    code = 1
  end
  C._exit(code)
end

-- In the verifier --------------------------------------------------------------------------------

-- Kill a child that has not been waited for, and what shares its process group.
local function kill_group(child)
  C.kill(child, SIGKILL)
  C.kill(-child, SIGKILL) -- it may not have come to make its group
end

-- Wait for the child's end; kill it when its time is up, and say which time it was. Time on the wall
-- is the near side's to measure: it sends a request to stop. Leaves with the child if the near side
-- has closed its end of standard input.
local function watch(child, cpu_seconds)
  local process = check(C.syscall(PIDFD_OPEN, word(child), NONE), "pidfd_open")
  local child_clock = bit.bor(bit.lshift(bit.bnot(child), 3), 2) -- the kernel's number for it
  polled[0].fd, polled[0].events = process, POLLIN
  polled[1].fd, polled[1].events = 0, POLLIN
  local left, stopped = cpu_seconds, 0
  while stopped == 0 do
    -- One thread uses at most one second of CPU a second, so this cannot oversleep much.
    local seconds = math.min(math.max(SHORTEST_LOOK, left), LONGEST_LOOK)
    polled[0].revents, polled[1].revents = 0, 0
    if C.poll(polled, 2, math.ceil(seconds * 1000)) < 0 and ffi.errno() ~= EINTR then
      check(-1, "poll")
    end
    if polled[0].revents ~= 0 then break end
    if bit.band(polled[1].revents, POLLIN) ~= 0 then
      stopped = WALL
    elseif polled[1].revents ~= 0 then
      kill_group(child)
      C._exit(0)
    elseif C.clock_gettime(child_clock, clock) == 0 then -- else it has just ended
      left = cpu_seconds - tonumber(clock.seconds) - tonumber(clock.parts) * 1e-9
      if left <= 0 then stopped = CPU end
    end
  end
  if stopped ~= 0 then kill_group(child) end
  C.close(process)
  return stopped
end

local function wait_for(child)
  local waited
  repeat waited = C.wait4(child, status, 0, usage) until waited >= 0 or ffi.errno() ~= EINTR
  return waited
end

-- End what a child left behind, and see it ended.
local function end_leftovers()
  if setup.alone_in_namespace ~= 0 then
    if C.kill(-1, SIGKILL) == 0 then repeat until wait_for(-1) < 0 end
  elseif setup.strays ~= 0 then -- this process has inherited them
    local path = ("/proc/self/task/%d/children"):format(C.getpid())
    while true do
      local file = assert(io.open(path))
      local children = file:read("*a")
      file:close()
      if not children:find("%d") then break end
      for child in children:gmatch("%d+") do
        C.kill(tonumber(child), SIGKILL)
        wait_for(tonumber(child))
      end
    end
  end
end

local function seconds_of(time)
  return tonumber(time.seconds) + tonumber(time.parts) * 1e-6
end

-- Run (or only compile) the program in a process of its own; how it ended goes into `answer`.
local function run_in_child(compiling, program, stdin, stdout, stderr, bounds)
  -- Stays open until the program begins: what is written there is a fault of ours, and the program
  -- cannot forge it.
  check(C.pipe(ends), "pipe")
  local hear, tell = ends[0], ends[1]
  local started = now()
  local child = C.fork()
  if child == 0 then be_child(compiling, program, stdin, stdout, stderr, tell, bounds) end
  local reason = child < 0 and "fork: " .. ffi.string(C.strerror(ffi.errno()))
  C.close(tell)
  answer.status, answer.signal, answer.stopped = -1, 0, 0
  answer.cpu_seconds, answer.wall_seconds, answer.peak_memory_bytes = 0, 0, 0
  answer.fault = 0
  if reason then
    answer.fault = #reason
    ffi.copy(fault, reason, #reason)
  else
    answer.stopped = watch(child, bounds.cpu_seconds)
    check(wait_for(child), "wait4")
    answer.fault = check(C.read(hear, fault, LONGEST_FAULT), "read")
    answer.cpu_seconds = seconds_of(usage.user) + seconds_of(usage.system)
    if answer.stopped == 0 and answer.cpu_seconds > bounds.cpu_seconds then answer.stopped = CPU end
    answer.wall_seconds = now() - started
    answer.peak_memory_bytes = usage.most_resident * 1024
    answer.signal = bit.band(status[0], 0x7F)
    if answer.signal == 0 then answer.status = bit.band(bit.rshift(status[0], 8), 0xFF) end
  end
  C.close(hear)
end

local function say(data, size)
  if not write_all(1, data, size) then error("the near side is gone", 0) end
end

-- Send part of a memory file.
local function move(file, from, size)
  offset[0] = from
  while size > 0 do size = size - check(C.splice(file, offset, 1, nil, size, 0), "splice") end
end

-- Send how a child ended, all of its output, and the ends of its error output.
local function send_result(stdout, stderr)
  local complained = check(C.lseek(stderr, 0, SEEK_END), "lseek")
  local head = math.min(complained, tonumber(setup.stderr_head))
  local tail = math.min(complained - head, tonumber(setup.stderr_tail))
  local written = check(C.lseek(stdout, 0, SEEK_END), "lseek")
  answer.stdout_size, answer.head, answer.tail = written, head, tail
  answer.omitted = complained - head - tail
  say(answer, ffi.sizeof(answer))
  say(fault, answer.fault)
  move(stdout, 0, written)
  move(stderr, 0, head)
  move(stderr, complained - tail, tail)
end

local function memory_file(name)
  return check(C.memfd_create(name, 0), "memfd_create")
end

-- A memory file with the next `size` bytes of standard input, positioned at its start; nil where
-- there are not as many.
local function receive(size)
  local file = memory_file("payload")
  while size > 0 do
    local moved = check(C.splice(0, nil, file, nil, size, 0), "splice")
    if moved == 0 then return nil end
    size = size - moved
  end
  check(C.lseek(file, 0, SEEK_SET), "lseek")
  return file
end

local function read_request()
  local data, missing = ffi.cast("char *", request), ffi.sizeof(request)
  while missing > 0 do
    local count = check(C.read(0, data, missing), "read")
    if count == 0 then return false end
    data, missing = data + count, missing - count
  end
  return true
end

-- Answer requests, one after the other, until standard input ends. Holds at most one program.
return function()
  local program, bounds = memory_file("program"), {}
  while read_request() do
    if request.kind ~= STOP then -- what that was meant for has ended (see `watch`)
      local payload = receive(tonumber(request.size))
      if payload == nil then return end
      local compiling = request.kind == PROGRAM
      if compiling then
        C.close(program)
        program, payload = payload, memory_file("stdin")
        bounds.cpu_seconds = request.cpu_seconds
        bounds.address_space = setup.baseline + request.memory_bytes
        bounds.output_bytes = request.output_bytes
      end
      local stdout, stderr = memory_file("stdout"), memory_file("stderr")
      run_in_child(compiling, program, payload, stdout, stderr, bounds)
      end_leftovers()
      send_result(stdout, stderr)
      C.close(payload)
      C.close(stdout)
      C.close(stderr)
    end
  end
end
