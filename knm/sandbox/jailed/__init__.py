"""The far side of the sandbox: the verifier process, which runs programs and judges nothing.

This package needs the standard library alone and imports nothing else of `knm`, so that it starts
in milliseconds, stays small (a fork costs what the forking process weighs) and runs wherever there
is a Python. It never learns an expected output: it is given a program and one input at a time and
returns what came out. Grading is the business of the near side.

Where programs are run by LuaJIT, no Python runs once the jail is built: `loop.lua` answers requests
and forks the children, at a third of what a fork that goes on in Python costs. `loop` does the same
in Python for all other interpreters, and tests hold both to the same answers.

Programs, inputs and outputs move between the pipes and memory files inside the kernel; the verifier
does not read them, so a child forked from it inherits nothing of another test's data but its size.

There are two kinds of jail. `namespaces` is the one of the local sandbox. `filter` is the one
inside a container, which brings its own namespaces and takes away the right to make any: there the
filter of system calls does the work, and the verifier refuses to start without it. `none` is for
debugging.

Covered by both:
- system calls: a list of those that a program may use (`seccomp`). A program that an interpreter in
  this process runs (Lua) can open no file, make no socket, start no process, signal nobody but
  itself and attach no memory from outside its address space. One that is executed (Python, C) can
  also read files and be replaced by another program, under the same filter; it can change no file;
- privileges: an unprivileged user, no capabilities, `no_new_privs`;
- the environment and every inherited descriptor;
- CPU time (measured from outside, `RLIMIT_CPU` behind it), time in which a program does not compute
  (measured by the near side), address space, size of output and of any file, number of descriptors
  and processes, core dumps;
- leftovers: each test has a process of its own, nothing it does is seen by the next; the box in
  which a program is compiled is emptied before the next one comes.

Covered by `namespaces` beside that, and by a container in its own way:
- files of the host: the root is an empty, read-only directory in a mount namespace of its own; for
  languages of commands it holds `/usr` and the like, read-only, and the box, bounded in size and
  number of files;
- the network: a network namespace in which not even the loopback interface is up;
- processes: a pid namespace in which a program is alone with the verifier and can neither signal
  nor trace it;
- no further user namespaces (a chroot forbids them);
- memory and processes of all together, by a control group where this user may make one.

Not covered:
- the kernel's own attack surface, as far as the filter leaves it open; on processors for which no
  list of system calls is kept (see `seccomp.MACHINES`), the local sandbox does without the filter;
- compilers: they run without the filter, since they need files and processes, held by the
  namespaces or the container, and by their limits;
- the verifier's own memory, of which a program that an interpreter in this process runs has a copy:
  with `ffi` it can read it, and even have the Python in it run code, under the same filter and the
  same limits. It finds paths of the host's Python and sizes of earlier inputs there, no input, no
  output and nothing that was expected;
- side channels: timing, and the load of the machine.

`ffi`, `io.popen`, `os.execute`, `package.loadlib` and `debug` are left in place: the jail holds
them. Without a jail (`--sandbox unsafe`) only the limits on time, memory, output and descriptors
remain.
"""
