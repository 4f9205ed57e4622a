/*
 * A program whose sandbox lets hardly any system call through: exec_sandbox CODE NAME...
 *
 * It looks the names up, which must give this EAI code, and connects to addresses that are no Kafka broker's. Ends by SIGSYS
 * if either takes a system call of its own.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static int close_sandbox(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
        /* Where the clock is no matter of the kernel's mapping. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = LENGTH(rules), .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
    /* A server of this machine, and a database at the address of a node. */
    struct sockaddr_in to[] = {{.sin_family = AF_INET, .sin_port = htons(9)},
                               {.sin_family = AF_INET, .sin_port = htons(5432)}};
    int sockets[LENGTH(to)];
    inet_pton(AF_INET, "127.0.0.1", &to[0].sin_addr);
    inet_pton(AF_INET, "127.10.1.24", &to[1].sin_addr);
    for (size_t n = 0; n < LENGTH(to); n++) {
        sockets[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    }
    int expected = argc > 1 ? atoi(argv[1]) : 0;
    if (!close_sandbox()) {
        _exit(3);
    }
    /* Long enough that a file which is followed would be looked at. */
    for (long end = milliseconds() + 1500; milliseconds() < end;) {
        for (int n = 2; n < argc; n++) {
            struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
            if (getaddrinfo(argv[n], "9092", &hints, &list) != expected) {
                _exit(2);
            }
        }
    }
    for (size_t n = 0; n < LENGTH(to); n++) {
        connect(sockets[n], (struct sockaddr *)&to[n], sizeof(to[n]));
    }
    _exit(0);
}
