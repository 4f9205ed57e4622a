/* System calls one by one, as programs make them that have no libc in front of which something could be put: statically
 * linked. Each case prints what it got; the test compares it with what it gets elsewhere. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CHECK(fine)                                                                                                    \
    do {                                                                                                               \
        if (!(fine)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s: %s\n", __func__, __LINE__, #fine, strerror(errno));                           \
            _exit(3);                                                                                                  \
        }                                                                                                              \
    } while (0)

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static char **arguments;

static int number(int n) {
    CHECK(arguments[n]);
    return atoi(arguments[n]);
}

/* --- files --- */

static int opens(const char *how, int flags) {
    if (strcmp(how, "openat") == 0) {
        return (int)syscall(SYS_openat, AT_FDCWD, "/etc/hosts", flags, 0);
    }
    if (strcmp(how, "openat2") == 0) {
        uint64_t open_how[3] = {(uint64_t)flags, 0, 0};
        return (int)syscall(SYS_openat2, AT_FDCWD, "/etc/hosts", open_how, sizeof(open_how));
    }
#ifdef SYS_open
    if (strcmp(how, "open") == 0) {
        return (int)syscall(SYS_open, "/etc/hosts", flags, 0);
    }
#endif
    if (strcmp(how, "spelling") == 0) {
        return open("//etc/./hosts", flags);
    }
    int folder = open("/etc", O_PATH | O_DIRECTORY);
    CHECK(folder >= 0);
    if (strcmp(how, "folder") == 0) {
        int file = openat(folder, "hosts", flags);
        close(folder);
        return file;
    }
    CHECK(strcmp(how, "cwd") == 0);
    CHECK(fchdir(folder) == 0);
    close(folder);
    return open("hosts", flags);
}

/* hosts HOW FLAGS: prints the file, with whether it is closed in programs that are started. */
static void hosts(void) {
    int flags = number(1), file = opens(arguments[0], flags);
    CHECK(file >= 0);
    printf("flags %d %d\n", fcntl(file, F_GETFD), fcntl(file, F_GETFL) & O_ACCMODE);
    char text[4096];
    for (ssize_t length; (length = read(file, text, sizeof(text))) > 0;) {
        fwrite(text, 1, (size_t)length, stdout);
    }
}

/* state: the state of the path is that of what is opened, and readers have positions of their own. */
static void state(void) {
    struct stat path, opened, bare;
    int one = open("/etc/hosts", O_RDONLY), two = open("/etc/hosts", O_RDONLY);
    CHECK(stat("/etc/hosts", &path) == 0 && fstat(one, &opened) == 0);
    CHECK(syscall(SYS_newfstatat, AT_FDCWD, "/etc/hosts", &bare, 0) == 0 && bare.st_size == path.st_size);
    CHECK(path.st_size == opened.st_size && path.st_ino == opened.st_ino && path.st_dev == opened.st_dev);
    CHECK(path.st_mtim.tv_sec == opened.st_mtim.tv_sec && path.st_mtim.tv_nsec == opened.st_mtim.tv_nsec);
    CHECK(S_ISREG(path.st_mode));
    char a[64], b[64];
    CHECK(read(one, a, 60) == 60 && read(two, b, 60) == 60 && memcmp(a, b, 60) == 0);
    CHECK(write(one, a, 1) == -1 && errno == EBADF);
    CHECK(lseek(one, 0, SEEK_END) == path.st_size);
    /* A file in memory can be written by whoever opens it anew; this one cannot. */
    char again[64];
    snprintf(again, sizeof(again), "/proc/self/fd/%d", one);
    int writes = open(again, O_RDWR);
    CHECK(writes < 0 || (write(writes, a, 1) == -1 && ftruncate(writes, 0) == -1));
}

/* errors: as ever. */
static void errors(void) {
    struct stat data;
    CHECK(open((char *)8, O_RDONLY) == -1 && errno == EFAULT);
    CHECK(open("/etc/hosts/", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open("/nowhere/hosts", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("/etc/hosts", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    CHECK(open("/etc/hosts", O_RDONLY | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    CHECK(stat("/etc/hosts", (struct stat *)8) == -1 && errno == EFAULT);
    CHECK(stat("/nowhere", &data) == -1 && errno == ENOENT);
    CHECK(openat(77, "hosts", O_RDONLY) == -1 && errno == EBADF);
    CHECK(connect(77, (struct sockaddr *)&data, 16) == -1 && errno == EBADF);
    CHECK(connect(0, (struct sockaddr *)8, 16) == -1 && (errno == EFAULT || errno == ENOTSOCK));
    /* No more files than the limit allows. */
    struct rlimit limit = {16, 16};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    int last = -1, next;
    while ((next = open("/etc/hosts", O_RDONLY)) >= 0) {
        last = next;
    }
    CHECK(errno == EMFILE && last == 15);
}

/* opens COUNT PATH */
static void many_opens(void) {
    for (int n = 0, count = number(0); n < count; n++) {
        int file = open(arguments[1], O_RDONLY | O_CLOEXEC);
        CHECK(file >= 0);
        close(file);
    }
}

/* unmap COUNT: another thread takes the memory with the path and the address away. */
static char *page;

static void *takes_away(void *stops) {
    while (!__atomic_load_n((int *)stops, __ATOMIC_RELAXED)) {
        CHECK(mprotect(page, 4096, PROT_NONE) == 0);
        CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    }
    return NULL;
}

static void unmap(void) {
    int stops = 0, fine = 0;
    pthread_t thread;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9092)};
    CHECK(inet_pton(AF_INET, arguments[1], &to.sin_addr) == 1);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    strcpy(page, "/etc/hosts");
    memcpy(page + 64, &to, sizeof(to));
    CHECK(pthread_create(&thread, NULL, takes_away, &stops) == 0);
    for (int n = 0, count = number(0); n < count; n++) {
        int file = open(page, O_RDONLY);
        CHECK(file >= 0 || errno == EFAULT);
        fine += file >= 0;
        if (file >= 0) {
            close(file);
        }
        int s = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(s >= 0);
        CHECK(connect(s, (struct sockaddr *)(page + 64), sizeof(to)) == 0 || errno == EFAULT || errno == ECONNREFUSED);
        close(s);
    }
    __atomic_store_n(&stops, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0 && fine > 0);
}

/* --- connections --- */

struct address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage longest;
    };
};

static struct address address(const char *host, int port) {
    struct address to = {0};
    if (strchr(host, ':')) {
        to.length = sizeof(to.v6);
        to.v6.sin6_family = AF_INET6;
        to.v6.sin6_port = htons((uint16_t)port);
        CHECK(inet_pton(AF_INET6, host, &to.v6.sin6_addr) == 1);
    } else {
        to.length = sizeof(to.v4);
        to.v4.sin_family = AF_INET;
        to.v4.sin_port = htons((uint16_t)port);
        CHECK(inet_pton(AF_INET, host, &to.v4.sin_addr) == 1);
    }
    return to;
}

static void print_peer(int s) {
    struct address peer = {.length = sizeof(peer.longest)};
    char host[64];
    if (getpeername(s, &peer.any, &peer.length) != 0) {
        printf("%s\n", strerror(errno));
    } else if (peer.any.sa_family == AF_INET) {
        printf("%s:%d\n", inet_ntop(AF_INET, &peer.v4.sin_addr, host, sizeof(host)), ntohs(peer.v4.sin_port));
    } else {
        printf("[%s]:%d\n", inet_ntop(AF_INET6, &peer.v6.sin6_addr, host, sizeof(host)), ntohs(peer.v6.sin6_port));
    }
}

/* connect HOW HOST PORT: prints where that leads. */
static void connects(void) {
    const char *how = arguments[0];
    struct address to = address(arguments[1], number(2)), before = to;
    int kind = strcmp(how, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    int s = socket(to.any.sa_family, kind, strcmp(how, "mptcp") == 0 ? 262 : 0);
    CHECK(s >= 0);
    if (strcmp(how, "longest") == 0) {
        to.length = sizeof(to.longest);
    }
    if (strcmp(how, "too-short") == 0) {
        to.length = 12;
    }
    if (strcmp(how, "nonblocking") == 0) {
        CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
        int code = connect(s, &to.any, to.length);
        CHECK(code == 0 || errno == EINPROGRESS);
        struct pollfd ready = {s, POLLOUT, 0};
        CHECK(poll(&ready, 1, 10000) == 1);
        int error;
        socklen_t length = sizeof(error);
        CHECK(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
        /* Asked once more, it says so. */
        CHECK(error != 0 || connect(s, &to.any, to.length) == 0 || errno == EISCONN);
        CHECK(fcntl(s, F_GETFL) & O_NONBLOCK);
        if (error) {
            printf("%s\n", strerror(error));
            return;
        }
    } else if (connect(s, &to.any, to.length) != 0) {
        printf("%s\n", strerror(errno));
        return;
    } else {
        CHECK(!(fcntl(s, F_GETFL) & O_NONBLOCK));
    }
    CHECK(!getenv("KEEPS_ADDRESS") || memcmp(&to.longest, &before.longest, sizeof(to.longest)) == 0);
    print_peer(s);
}

/* constant HOST PORT: the address is in memory that cannot be written. */
static void constant(void) {
    struct address to = address(arguments[0], number(1));
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, &to.longest, sizeof(to.longest));
    CHECK(mprotect(memory, 4096, PROT_READ) == 0);
    int s = socket(to.any.sa_family, SOCK_STREAM, 0);
    CHECK(connect(s, (struct sockaddr *)memory, to.length) == 0);
    print_peer(s);
}

/* fast-open HOST PORT: data with the first packet. */
static void fast_open(void) {
    struct address to = address(arguments[0], number(1));
    char text[] = "hello";
    struct iovec part = {text, 5};
    struct mmsghdr message = {.msg_hdr = {.msg_name = &to.any, .msg_namelen = to.length, .msg_iov = &part, .msg_iovlen = 1}};
    for (int way = 0; way < 3; way++) {
        int s = socket(to.any.sa_family, SOCK_STREAM, 0);
        ssize_t sent = way == 0   ? sendto(s, text, 5, MSG_FASTOPEN, &to.any, to.length)
                       : way == 1 ? sendmsg(s, &message.msg_hdr, MSG_FASTOPEN)
                                  : sendmmsg(s, &message, 1, MSG_FASTOPEN);
        printf("%s\n", sent < 0 ? strerror(errno) : "sent");
    }
}

/* A server of this process that takes no more connections. */
static void fill(struct address *to) {
    int server = socket(to->any.sa_family, SOCK_STREAM, 0);
    CHECK(server >= 0 && setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0);
    CHECK(bind(server, &to->any, to->length) == 0 && listen(server, 0) == 0);
    for (int n = 0; n < 3; n++) {
        int s = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(connect(s, &to->any, to->length) == 0 || errno == EINPROGRESS);
    }
}

static volatile sig_atomic_t handled;

static void handler(int signal) {
    handled++;
    if (handled == 2) {
        struct sigaction ends = {.sa_handler = handler};
        sigaction(signal, &ends, NULL);
    }
}

static void counts(int signal) {
    (void)signal;
    handled++;
}

static void alarms(int flags, int milliseconds) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct itimerval in = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &in, NULL) == 0);
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* interrupt FULL ASKED: how a blocking connection ends when signals come. */
static void interrupts(void) {
    struct address full = address(arguments[0], 9092), to = address(arguments[1], 9092);
    fill(&full);
    int s = socket(to.any.sa_family, SOCK_STREAM, 0);
    alarms(0, 100);
    int code = connect(s, &to.any, to.length);
    printf("%d %s, %d signals\n", code, strerror(errno), handled);
    /* The connection is still being made. */
    struct timeval limit = {0, 300000};
    CHECK(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
    code = connect(s, &to.any, to.length);
    printf("%d %s\n", code, strerror(errno));
    close(s);
    /* A signal after which the call goes on, and then one that ends it. */
    handled = 0;
    s = socket(to.any.sa_family, SOCK_STREAM, 0);
    struct itimerval twice = {{0, 200000}, {0, 200000}};
    alarms(SA_RESTART, 0);
    CHECK(setitimer(ITIMER_REAL, &twice, NULL) == 0);
    code = connect(s, &to.any, to.length);
    printf("%d %s, %d signals\n", code, strerror(errno), handled);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL) == 0);
    close(s);
    /* A limit of the socket's own. */
    s = socket(to.any.sa_family, SOCK_STREAM, 0);
    CHECK(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
    long start = milliseconds();
    code = connect(s, &to.any, to.length);
    int error = errno;
    printf("%d %s, %s\n", code, strerror(error), milliseconds() - start >= 250 ? "in time" : "early");
}

/* signals: files are opened as ever while signals come all the time. */
static void signals(void) {
    struct sigaction action = {.sa_handler = counts, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    int before = dup(0);
    close(before);
    for (int n = 0; n < 3000; n++) {
        int file = open("/etc/hosts", O_RDONLY);
        CHECK(file == before);
        close(file);
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0 && handled > 0);
}

static struct address to_many;

static void *connects_once(void *unused) {
    int s = socket(to_many.any.sa_family, SOCK_STREAM, 0);
    CHECK(connect(s, &to_many.any, to_many.length) == 0);
    char byte;
    CHECK(read(s, &byte, 1) == 1);
    close(s);
    return unused;
}

/* many COUNT HOST PORT: so many connections at once, each of a thread that waits. */
static void many_connects(void) {
    pthread_t threads[1000];
    pthread_attr_t small;
    int count = number(0);
    CHECK(count <= 1000);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    to_many = address(arguments[1], number(2));
    for (int n = 0; n < count; n++) {
        CHECK(pthread_create(&threads[n], &small, connects_once, NULL) == 0);
    }
    for (int n = 0; n < count; n++) {
        CHECK(pthread_join(threads[n], NULL) == 0);
    }
}

/* hold FULL ASKED HOST PORT: a connection that waits holds up no other, and no file. */
static void *waits(void *to) {
    struct address *asked = to;
    int s = socket(asked->any.sa_family, SOCK_STREAM, 0);
    connect(s, &asked->any, asked->length);
    return NULL;
}

/* How many connections to an IPv4 address wait for its answer. */
static int waiting_for(const struct address *to) {
    FILE *table = fopen("/proc/net/tcp", "r");
    CHECK(table != NULL);
    char line[512], waits[32];
    /* The remote address, and the state SYN_SENT. */
    snprintf(waits, sizeof(waits), " %08X:%04X 02 ", to->v4.sin_addr.s_addr, ntohs(to->v4.sin_port));
    int count = 0;
    while (fgets(line, sizeof(line), table) != NULL) {
        count += strstr(line, waits) != NULL;
    }
    fclose(table);
    return count;
}

static void hold(void) {
    struct address full = address(arguments[0], 9092), asked = address(arguments[1], 9092);
    fill(&full);
    int before = waiting_for(&full);
    for (int n = 0; n < 5; n++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, waits, &asked) == 0);
    }
    to_many = address(arguments[2], number(3));
    long limit = milliseconds() + 30000;
    while (waiting_for(&full) < before + 5) {
        CHECK(milliseconds() < limit);
    }
    long start = milliseconds();
    for (int n = 0; n < 20; n++) {
        int s = socket(to_many.any.sa_family, SOCK_STREAM, 0);
        CHECK(connect(s, &to_many.any, to_many.length) == 0);
        close(s);
        int file = open("/etc/hosts", O_RDONLY);
        CHECK(file >= 0);
        close(file);
    }
    CHECK(milliseconds() - start < 1000);
}

/* sequence COUNT HOST PORT: one connection after the other. */
static void sequence(void) {
    struct address to = address(arguments[1], number(2));
    for (int n = 0, count = number(0); n < count; n++) {
        int s = socket(to.any.sa_family, SOCK_STREAM, 0);
        struct linger at_once = {1, 0};
        CHECK(setsockopt(s, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
        CHECK(connect(s, &to.any, to.length) == 0);
        close(s);
    }
}

/* --- processes --- */

/* fork COUNT HOST PORT: children, each with a file and a connection; and no child that is not its own. */
static void forks(void) {
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    struct address to = address(arguments[1], number(2));
    for (int n = 0, count = number(0); n < count; n++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            int file = open("/etc/hosts", O_RDONLY), s = socket(to.any.sa_family, SOCK_STREAM, 0);
            _exit(file >= 0 && connect(s, &to.any, to.length) == 0 ? 0 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* closes HOST PORT: a program that closes all that it knows nothing of. */
static void closes(void) {
    for (int n = 3; n < 4096; n++) {
        close(n);
    }
    int file = open("/etc/hosts", O_RDONLY);
    CHECK(file == 3);
    struct address to = address(arguments[0], number(1));
    int s = socket(to.any.sa_family, SOCK_STREAM, 0);
    CHECK(s == 4 && connect(s, &to.any, to.length) == 0);
    print_peer(s);
}

/* itself: what a program sees of itself. */
static void itself(void) {
    char path[4096];
    printf("pid %d of %d, group %d, session %d\n", getpid(), getppid(), getpgrp(), getsid(0));
    printf("folder %s\n", getcwd(path, sizeof(path)));
    for (int n = 0; n < 1024; n++) {
        if (fcntl(n, F_GETFD) >= 0) {
            printf("file %d\n", n);
        }
    }
    for (int n = 0; n < RLIM_NLIMITS; n++) {
        struct rlimit limit;
        CHECK(getrlimit((__rlimit_resource_t)n, &limit) == 0);
        printf("limit %d: %lu %lu\n", n, (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    }
    sigset_t blocked;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0);
    for (int n = 1; n < 32; n++) {
        struct sigaction action;
        CHECK(n == SIGKILL || n == SIGSTOP || sigaction(n, NULL, &action) == 0);
        printf("signal %d: %d\n", n, sigismember(&blocked, n));
    }
    printf("umask %o\n", umask(0));
    for (char **variable = environ; *variable; variable++) {
        printf("%s\n", *variable);
    }
}

/* waits: until a signal ends it. */
static void waits_for_ever(void) {
    puts("waits");
    fflush(stdout);
    for (;;) {
        pause();
    }
}

/* lives: opens files for ever, and prints how that ends. */
static void lives(void) {
    for (;;) {
        int file = open("/etc/hosts", O_RDONLY);
        if (file < 0) {
            printf("%s\n", strerror(errno));
            return;
        }
        char text[4096];
        ssize_t length = read(file, text, sizeof(text));
        printf("%.*s", (int)length, text);
        fflush(stdout);
        close(file);
        usleep(50000);
    }
}

/* terminal PROGRAM ARGUMENT...: a shell's part, for a program on a terminal of its own that waits. */
static void terminal(void) {
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(leader >= 0 && grantpt(leader) == 0 && unlockpt(leader) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setsid() > 0);
        int end = open(ptsname(leader), O_RDWR);
        CHECK(end >= 0 && ioctl(end, TIOCSCTTY, 0) == 0);
        /* A group that is not the session's leader can be stopped. */
        pid_t job = fork();
        CHECK(job >= 0);
        if (job == 0) {
            CHECK(setpgid(0, 0) == 0);
            signal(SIGTTOU, SIG_IGN);
            CHECK(tcsetpgrp(end, getpid()) == 0);
            signal(SIGTTOU, SIG_DFL);
            CHECK(dup2(end, 0) == 0 && dup2(end, 1) == 1);
            execvp(arguments[0], arguments);
            _exit(127);
        }
        int status;
        CHECK(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status));
        fprintf(stderr, "stopped by %d\n", WSTOPSIG(status));
        CHECK(kill(-job, SIGCONT) == 0 && write(end, "\n", 1) == 1);
        CHECK(waitpid(job, &status, 0) == job && WIFSIGNALED(status));
        fprintf(stderr, "killed by %d\n", WTERMSIG(status));
        _exit(0);
    }
    char text[4096];
    size_t length = 0;
    int stage = 0;
    while (stage < 2) {
        ssize_t more = read(leader, text + length, sizeof(text) - 1 - length);
        CHECK(more > 0);
        length += (size_t)more;
        text[length] = 0;
        if (stage == 0 && strstr(text, "waits")) {
            CHECK(write(leader, "\x1a", 1) == 1);
            length = 0;
            stage = 1;
        } else if (stage == 1 && strchr(text, '\n')) {
            CHECK(write(leader, "\x03", 1) == 1);
            stage = 2;
        }
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* forbid CALL ERROR PROGRAM ARGUMENT...: as the profile of a container does. */
static void forbid(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number(0), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number(1)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH(filter), filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    execvp(arguments[2], arguments + 2);
    CHECK(!"executed");
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"hosts", hosts},         {"state", state},       {"errors", errors},       {"opens", many_opens},
    {"unmap", unmap},         {"connect", connects},  {"constant", constant},   {"fast-open", fast_open},
    {"interrupt", interrupts}, {"signals", signals},  {"many", many_connects},  {"hold", hold},
    {"sequence", sequence},   {"fork", forks},        {"closes", closes},       {"itself", itself},
    {"waits", waits_for_ever}, {"lives", lives},      {"terminal", terminal}, {"forbid", forbid},
};

int main(int argc, char **argv) {
    /* Not alarm(2), which cases use. */
    timer_t timer;
    struct sigevent end = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec in = {.it_value = {.tv_sec = 60}};
    CHECK(timer_create(CLOCK_MONOTONIC, &end, &timer) == 0 && timer_settime(timer, 0, &in, NULL) == 0);
    for (size_t n = 0; argc > 1 && n < LENGTH(cases); n++) {
        if (strcmp(argv[1], cases[n].name) == 0) {
            arguments = argv + 2;
            cases[n].run();
            return 0;
        }
    }
    return 2;
}
