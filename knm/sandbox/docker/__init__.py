"""Judging in Docker containers: the image, its containers, and what is said to them.

- `image`: building the image from the package's own files, and knowing whether it is current;
- `flags`: what holds a container;
- `engine`: the few calls of the Docker engine that are needed, and errors that a user can mend;
- `ownership`: whose container it is, and which ones a dead run has left behind;
- `conversation`: one line out, one line back, over the socket of an attached container;
- `containers`: a warm container, and a pool of them;
- `backend`: the sandbox made of these.

Covered, in any image: no network, a root that cannot be written to, a bounded /tmp, no
capabilities and none to be won, an unprivileged user, bounded processes, memory (without swap),
CPU, file sizes and descriptors, no System V or POSIX shared memory, the engine's own filter of
system calls. In our own image a program is besides held by all that `jailed` covers with a filter,
and cannot open the pipes of requests and answers, with `--init` or without.

Not covered: programs of one container share its kernel with the host. In an image of others it is
their verifier that keeps one program's doings from the next one, or does not.
"""
