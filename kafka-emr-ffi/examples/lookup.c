/*
 * Resolves names of an EMR cluster, as getaddrinfo(3) does, for programs that connect by themselves. No librdkafka.
 *
 *     lookup SOURCE NAME[:PORT]...
 *
 * Build: cc lookup.c -o lookup $(pkg-config --cflags --libs kafka_emr)
 * Exit status: 0 when every name leads somewhere, 1 when one does not, 2 for bad usage or a bad source.
 */

#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <kafka_emr.h>

/* Prints an address that name:port leads to. */
static int print_address(const char *argument, const struct addrinfo *address) {
    char host[128];
    char port[16];
    int code = getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
                           NI_NUMERICHOST | NI_NUMERICSERV);
    if (code != 0) {
        fprintf(stderr, "lookup: %s: %s\n", argument, gai_strerror(code));
        return -1;
    }
    printf(address->ai_family == AF_INET6 ? "%s -> [%s]:%s\n" : "%s -> %s:%s\n", argument, host, port);
    return 0;
}

/* Resolves one argument and prints where it leads. Returns 0, or -1 where it leads nowhere. */
static int lookup(const kafka_emr_resolver_t *emr, const char *argument) {
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    struct addrinfo *address;
    const char *port = NULL;
    char *name;
    char *colon;
    size_t length;
    int result = 0;
    int code;

    name = (char *)malloc(strlen(argument) + 1);
    if (name == NULL) {
        fprintf(stderr, "lookup: out of memory\n");
        return -1;
    }
    strcpy(name, argument);
    /* NAME:PORT, [IPv6]:PORT; with more than one colon and no brackets it is an IPv6 address without a port. */
    colon = strrchr(name, ':');
    if (colon != NULL && (strchr(name, ':') == colon || (colon > name && colon[-1] == ']'))) {
        *colon = '\0';
        port = colon + 1;
    }
    length = strlen(name);
    if (length > 2 && name[0] == '[' && name[length - 1] == ']') {
        name[length - 1] = '\0';
        memmove(name, name + 1, length - 1);
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    code = kafka_emr_getaddrinfo(emr, name, port, &hints, &list);
    if (code != 0) {
        fprintf(stderr, "lookup: %s: %s\n", argument, gai_strerror(code));
        result = -1;
    }
    for (address = list; address != NULL; address = address->ai_next) {
        if (print_address(argument, address) != 0) {
            result = -1;
        }
    }
    kafka_emr_freeaddrinfo(list);
    free(name);
    return result;
}

int main(int argc, char **argv) {
    kafka_emr_resolver_t *emr;
    char errstr[512];
    int status = 0;
    int i;

    if (argc < 3) {
        fprintf(stderr, "usage: lookup SOURCE NAME[:PORT]...\n");
        return 2;
    }
    emr = kafka_emr_resolver_open(argv[1], errstr, sizeof(errstr));
    if (emr == NULL) {
        fprintf(stderr, "lookup: %s\n", errstr);
        return 2;
    }
    for (i = 2; i < argc; i++) {
        if (lookup(emr, argv[i]) != 0) {
            status = 1;
        }
    }
    kafka_emr_resolver_free(emr);
    return status;
}
