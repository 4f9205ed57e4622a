/* A library for LD_PRELOAD: says on standard error how long the addresses are that connect is called with. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdio.h>
#include <sys/socket.h>

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t);
    *(void **)&next = dlsym(RTLD_NEXT, "connect");
    fprintf(stderr, "connect: family %d length %u\n", address->sa_family, (unsigned)length);
    return next(socket, address, length);
}
