"""The far side of the sandbox: the verifier process, which runs programs and judges nothing.

This package needs the standard library alone and imports nothing else of `knm`, so that it starts
in milliseconds, stays small (a fork costs what the forking process weighs) and runs wherever there
is a Python. It never learns an expected output: it is given a program and one input at a time and
returns what came out. Grading is the business of the near side.

Programs, inputs and outputs move between the pipes and memory files inside the kernel; the verifier
does not read them, so a child forked from it inherits no trace of another test's data.

Covered:
- files of the host: the root is an empty, read-only directory in a mount namespace of its own;
- the network: a network namespace in which not even the loopback interface is up;
- processes: a pid namespace in which a program is alone with the verifier, may start nothing
  (`RLIMIT_NPROC` 0) and can neither signal nor trace the verifier;
- privileges: an unprivileged user in a user namespace of its own, no capabilities, `no_new_privs`,
  no further user namespaces (a chroot forbids them);
- the environment and every inherited descriptor;
- CPU time (measured from outside, `RLIMIT_CPU` behind it), wall time, address space, size of output
  and of any file, number of descriptors, core dumps;
- leftovers: each test has a process of its own, nothing it does is seen by the next.

Not covered:
- the kernel's own attack surface: there is no system call filter;
- memory outside the address space: memory files made through `ffi` are bounded only by the limits
  on descriptors and file size, System V segments not at all, and these outlive the test;
- side channels: timing, and the load of the machine.

`ffi`, `io.popen`, `os.execute`, `package.loadlib` and `debug` are left in place: the jail holds
them. Without a jail (`--sandbox unsafe`) only the limits on time, memory, output and descriptors
remain, and a program that leaves its process group outlives its test.
"""
