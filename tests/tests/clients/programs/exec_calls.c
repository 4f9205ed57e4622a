/*
 * Calls getaddrinfo and connect as programs do that know nothing of kafka-emr: exec_calls CASE ARGUMENT...
 *
 * It prints what came of it, on standard output, so that runs with and without `kafka-emr exec` can be compared. It ends by a
 * signal where something waits for ever.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 60 /* seconds, on a busy machine */

/* Ends the program when it does not hold. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: does not hold: %s, errno %d\n", __FILE__, __LINE__, #condition, errno);                     \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static char **arguments;

static int count(void) {
    int n = 0;
    while (arguments[n] != NULL) {
        n++;
    }
    return n;
}

static void print_address(const struct sockaddr *address, socklen_t length) {
    char host[128], port[32];
    CHECK(getnameinfo(address, length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0);
    printf(strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* One lookup, and the list that it gives. */
static void lookup(const char *name, const char *service, const struct addrinfo *hints) {
    struct addrinfo *list = NULL;
    int code = getaddrinfo(name, service, hints, &list);
    printf("%s service %s", name, service ? service : "none");
    if (hints) {
        printf(" family %d type %d protocol %d flags %#x", hints->ai_family, hints->ai_socktype, hints->ai_protocol,
               (unsigned)hints->ai_flags);
    }
    if (code != 0) {
        printf(": %s\n", gai_strerror(code));
        return;
    }
    printf(":\n");
    for (struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        printf("  family %d type %d protocol %d flags %#x ", entry->ai_family, entry->ai_socktype, entry->ai_protocol,
               (unsigned)entry->ai_flags);
        print_address(entry->ai_addr, entry->ai_addrlen);
        printf(" %s\n", entry->ai_canonname ? entry->ai_canonname : "");
    }
    freeaddrinfo(list);
}

/* resolve NAME...: every combination of what can be asked for. */
static void resolve(void) {
    static const char *services[] = {NULL, "0", "9092", "74628", "", "domain", "no-such-service"};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
    static const int kinds[][2] = {{0, 0}, {SOCK_STREAM, 0}, {SOCK_DGRAM, 0}, {SOCK_RAW, 0}, {77, 0}, {0, IPPROTO_TCP},
                                   {SOCK_STREAM, IPPROTO_UDP}};
    static const int flags[] = {0, AI_CANONNAME, AI_PASSIVE, AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_ALL, AI_NUMERICSERV,
                                AI_NUMERICHOST, AI_NUMERICHOST | AI_CANONNAME, 0x100000};
    for (char **name = arguments; *name; name++) {
        for (size_t s = 0; s < LENGTH(services); s++) {
            lookup(*name, services[s], NULL);
            for (size_t f = 0; f < LENGTH(families); f++) {
                for (size_t k = 0; k < LENGTH(kinds); k++) {
                    for (size_t g = 0; g < LENGTH(flags); g++) {
                        struct addrinfo hints = {.ai_flags = flags[g], .ai_family = families[f],
                                                 .ai_socktype = kinds[k][0], .ai_protocol = kinds[k][1]};
                        lookup(*name, services[s], &hints);
                    }
                }
            }
        }
    }
}

/* connect HOW HOST PORT: where a socket is connected to in the end. */
static void connect_to(void) {
    CHECK(count() == 3);
    const char *how = arguments[0], *port = arguments[2];
    struct addrinfo hints = {.ai_socktype = strcmp(how, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM}, *list;
    int puts_port_in = strcmp(how, "puts-port-in") == 0;
    CHECK(getaddrinfo(arguments[1], puts_port_in ? NULL : strcmp(how, "zero") == 0 ? "0" : port, &hints, &list) == 0);
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)list->ai_addr; /* the port is where IPv4 has it */
    if (puts_port_in || strcmp(how, "zero") == 0) {
        CHECK(address->sin6_port == 0);
        address->sin6_port = htons((uint16_t)atoi(port));
    }
    /* As RFC 2133 has it, without a scope; or as many programs have it, with room for any address. */
    struct sockaddr_storage any = {0};
    memcpy(&any, address, list->ai_addrlen);
    socklen_t length = strcmp(how, "short") == 0 ? 24 : strcmp(how, "long") == 0 ? sizeof(any) : list->ai_addrlen;
    length = strcmp(how, "too-short") == 0 ? list->ai_addrlen - 5 : strcmp(how, "too-long") == 0 ? sizeof(any) + 1 : length;
    int s = socket(list->ai_family, list->ai_socktype, 0);
    CHECK(s >= 0);
    if (connect(s, (struct sockaddr *)&any, length) != 0) {
        printf("%s\n", strerror(errno));
        freeaddrinfo(list);
        return;
    }
    struct sockaddr_storage peer;
    length = sizeof(peer);
    CHECK(getpeername(s, (struct sockaddr *)&peer, &length) == 0);
    freeaddrinfo(list);
    print_address((struct sockaddr *)&peer, length);
    printf("\n");
}

/* bind ADDRESS: where a server listens. */
static void bind_to(void) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST}, *list;
    CHECK(getaddrinfo(arguments[0], "0", &hints, &list) == 0);
    int s = socket(list->ai_family, SOCK_STREAM, 0);
    CHECK(bind(s, list->ai_addr, list->ai_addrlen) == 0);
    struct sockaddr_in bound;
    socklen_t length = sizeof(bound);
    CHECK(getsockname(s, (struct sockaddr *)&bound, &length) == 0);
    printf("%s\n", inet_ntoa(bound.sin_addr));
}

static struct sockaddr_in numeric(const char *address, int port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    CHECK(inet_pton(AF_INET, address, &in.sin_addr) == 1);
    return in;
}

/* Connects by UDP, which always works at once. Async-signal-safe. */
static int connects(const struct sockaddr_in *to) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    int connected = s >= 0 && connect(s, (const struct sockaddr *)to, sizeof(*to)) == 0;
    close(s);
    return connected;
}

static void look_up(const char *name) {
    struct addrinfo *list;
    if (getaddrinfo(name, "9092", NULL, &list) == 0) {
        freeaddrinfo(list);
    }
}

enum { STARTS, RUNS, STOPS };

static void *looks_up_for_ever(void *state) {
    __atomic_store_n((int *)state, RUNS, __ATOMIC_RELAXED);
    for (int n = 0; __atomic_load_n((int *)state, __ATOMIC_RELAXED) != STOPS; n++) {
        char missing[64];
        snprintf(missing, sizeof(missing), "missing-%d.%s", n, arguments[1]);
        look_up(arguments[0]);
        look_up(missing);
    }
    return NULL;
}

/* fork [NAME DOMAIN]: while a thread looks names up, children do as well. libc's own lookups do not bear it. */
static void forks(void) {
    static int state = STARTS;
    pthread_t thread;
    int looks_up = count() == 2;
    CHECK(!looks_up || pthread_create(&thread, NULL, looks_up_for_ever, &state) == 0);
    /* The first child comes in the midst of the first lookup, if that takes long. */
    while (looks_up && __atomic_load_n(&state, __ATOMIC_RELAXED) == STARTS) {
    }
    usleep(3000);
    struct sockaddr_in nowhere = numeric("127.0.0.1", 9);
    for (int n = 0; n < 100; n++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(LIMIT);
            if (looks_up) {
                char missing[64];
                snprintf(missing, sizeof(missing), "child.%s", arguments[1]);
                look_up(arguments[0]);
                look_up(missing);
            }
            _exit(connects(&nowhere) ? 0 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    __atomic_store_n(&state, STOPS, __ATOMIC_RELAXED);
    CHECK(!looks_up || pthread_join(thread, NULL) == 0);
}

static struct sockaddr_in full;

static void *blocks_in_connect(void *unused) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    connect(s, (struct sockaddr *)&full, sizeof(full));
    return unused;
}

static void *looks_up_cancelled(void *name) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(before, &before);
    look_up(name);
    pthread_testcancel();
    return NULL;
}

static void ends_cancelled(pthread_t thread) {
    void *result;
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

/* cancel NAME...: threads that are cancelled inside end, and the program does not. */
static void cancel(void) {
    /* A connection to a server with a full backlog waits. */
    full = numeric("127.0.0.1", 0);
    socklen_t length = sizeof(full);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server, (struct sockaddr *)&full, sizeof(full)) == 0 && listen(server, 0) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&full, &length) == 0);
    for (int n = 0; n < 3; n++) {
        connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&full, sizeof(full));
    }
    /* Cancelled before it waits or while it does: it ends either way. */
    for (int n = 0; n < 5; n++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, blocks_in_connect, NULL) == 0);
        usleep(n * 10000);
        CHECK(pthread_cancel(thread) == 0);
        ends_cancelled(thread);
    }
    for (char **name = arguments; *name; name++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, looks_up_cancelled, *name) == 0);
        ends_cancelled(thread);
    }
}

static volatile sig_atomic_t handled;
static struct sockaddr_in elsewhere[2];

static void on_alarm(int unused) {
    int saved = errno;
    (void)unused;
    if (connects(&elsewhere[0]) && connects(&elsewhere[1])) {
        handled++;
    }
    errno = saved;
}

/* signal NAME ADDRESS: a handler connects while the program allocates and looks names up. */
static void in_handler(void) {
    elsewhere[0] = numeric("127.0.0.1", 9);
    elsewhere[1] = numeric(arguments[1], 9092);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    while (handled < 3000) {
        void *blocks[64];
        for (size_t n = 0; n < 64; n++) {
            blocks[n] = malloc(n % 2 ? 100000 + n * 977 : n + 1);
        }
        look_up(arguments[0]);
        for (size_t n = 0; n < 64; n++) {
            free(blocks[n]);
        }
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

/* closed-stderr MISSING FILE: a file that has the number of standard error stays as it is. */
static void closed_stderr(void) {
    close(STDERR_FILENO);
    int file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file == STDERR_FILENO);
    look_up(arguments[0]);
    struct stat data;
    CHECK(fstat(file, &data) == 0 && data.st_size == 0);
}

/* broken-stderr MISSING: nobody reads standard error of the program that is started. */
static void broken_stderr(void) {
    int ends[2];
    CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "exec_calls", "looks-up", arguments[0], (char *)NULL);
    CHECK(!"executed");
}

static void looks_up(void) {
    look_up(arguments[0]);
}

/* no-memory ADDRESS: connect takes none. */
static void no_memory(void) {
    struct sockaddr_in to = numeric(arguments[0], 9092);
    struct rlimit none = {1 << 20, 1 << 20};
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    for (size_t size = 1 << 20; size >= 16; size /= 2) {
        while (malloc(size)) {
        }
    }
    CHECK(connects(&to));
}

/* overflow INDEX: what AddressSanitizer is for. */
static void overflow(void) {
    volatile char *block = malloc(8);
    CHECK(block);
    block[atoi(arguments[0])] = 1;
    free((void *)block);
}

/* clearenv NAME: a program may forget its environment. */
static void without_environment(void) {
    CHECK(clearenv() == 0);
    lookup(arguments[0], NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM});
}

/* late NAME FROM TO: the description is not there at the start, and then it is. */
static void late(void) {
    struct addrinfo *list;
    CHECK(getaddrinfo(arguments[0], "9092", NULL, &list) != 0);
    CHECK(rename(arguments[1], arguments[2]) == 0);
    while (getaddrinfo(arguments[0], "9092", NULL, &list) != 0) {
        usleep(50000);
    }
}

/* Whether a connection to one address leads to the other. */
static int leads_to(const struct sockaddr_in *to, const char *expected) {
    struct sockaddr_in peer, there = numeric(expected, 0);
    socklen_t length = sizeof(peer);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(s, (const struct sockaddr *)to, sizeof(*to)) == 0);
    CHECK(getpeername(s, (struct sockaddr *)&peer, &length) == 0);
    close(s);
    return peer.sin_addr.s_addr == there.sin_addr.s_addr;
}

/* reread MISSING FROM TO ADDRESS PORT BEFORE AFTER: another description takes the place of one. It is read again in the lookup
 * of a name that is in neither, and then a connection leads elsewhere. */
static void reread(void) {
    CHECK(count() == 7);
    struct sockaddr_in to = numeric(arguments[3], atoi(arguments[4]));
    CHECK(leads_to(&to, arguments[5]));
    CHECK(rename(arguments[1], arguments[2]) == 0);
    while (!leads_to(&to, arguments[6])) {
        look_up(arguments[0]);
        usleep(50000);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"resolve", resolve},
    {"connect", connect_to},
    {"bind", bind_to},
    {"fork", forks},
    {"cancel", cancel},
    {"signal", in_handler},
    {"closed-stderr", closed_stderr},
    {"broken-stderr", broken_stderr},
    {"looks-up", looks_up},
    {"no-memory", no_memory},
    {"overflow", overflow},
    {"clearenv", without_environment},
    {"late", late},
    {"reread", reread},
};

/* Where the signal handler counts alarms, this is a limit all the same: its signal is another. */
static void limit(void) {
    struct sigevent end = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec in = {.it_value = {.tv_sec = LIMIT}};
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, &end, &timer) == 0 && timer_settime(timer, 0, &in, NULL) == 0);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    limit();
    for (size_t n = 0; argc > 1 && n < LENGTH(cases); n++) {
        if (strcmp(argv[1], cases[n].name) == 0) {
            arguments = argv + 2;
            cases[n].run();
            printf("%s: done\n", argv[1]);
            return 0;
        }
    }
    return 2;
}
