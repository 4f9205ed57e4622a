/* A library for LD_PRELOAD: its getaddrinfo knows no name, and needs no system call for that. */

#define _GNU_SOURCE

#include <netdb.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
    (void)node, (void)service, (void)hints, (void)res;
    return EAI_AGAIN;
}
