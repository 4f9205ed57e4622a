/* Asks each broker for the versions of its protocol, by nothing but libc: asks_versions HOST:PORT,… */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* ApiVersions, version 0, correlation id 7, no client id. */
static const unsigned char request[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff};

static int ask(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
        return 1;
    }
    int broker = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(broker, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(broker, found->ai_addr, found->ai_addrlen)) {
        perror(host);
        return 1;
    }
    freeaddrinfo(found);
    uint32_t answer[2];
    if (send(broker, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) ||
        recv(broker, answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) || ntohl(answer[1]) != 7) {
        fprintf(stderr, "%s: no broker\n", host);
        return 1;
    }
    close(broker);
    return 0;
}

int main(int argc, char **argv) {
    for (char *server = argc > 1 ? strtok(argv[1], ",") : NULL; server; server = strtok(NULL, ",")) {
        char *port = strrchr(server, ':');
        *port++ = 0;
        if (ask(server, port))
            return 1;
    }
    puts("all brokers answer");
    return 0;
}
