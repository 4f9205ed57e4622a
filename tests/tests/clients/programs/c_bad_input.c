/*
 * What must be an error, not a crash, and what must go on: c_bad_input DESCRIPTION FILE. The program deletes the
 * description in the end, and writes the file as it likes.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c_check.h"

#define MEGABYTE 1048576
#define NAME "emr-worker-1.cluster-48742"
#define OLD_CLUSTER "emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24"
#define NEW_CLUSTER "emr://48742?release=EMR-3.11.0&emr-worker-1=10.0.1.24"
#define WITHOUT_ID "emr://?release=EMR-3.11.0&core-1=10.0.1.24"

#if !defined(KAFKA_EMR_VERSION) || KAFKA_EMR_VERSION < 0x000100ff || KAFKA_EMR_VERSION >= 0x010000ff
#error "a version that can be compared"
#endif

/* Whether the last message is one, and one line. */
static int has_words(const char *words) {
    return strstr(errstr, words) != NULL && strchr(errstr, '\n') == NULL && strlen(errstr) < sizeof(errstr);
}

static rd_kafka_conf_t *apply(kafka_emr_resolver_t *emr) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    return conf;
}

static void set(rd_kafka_conf_t *conf, const char *property, const char *value) {
    CHECK(rd_kafka_conf_set(conf, property, value, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
}

/* Whether this librdkafka was built with TLS. */
static int has_tls(void) {
    char features[512];
    size_t size = sizeof(features);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(rd_kafka_conf_get(conf, "builtin.features", features, &size) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
    return strstr(features, "ssl") != NULL;
}

static rd_kafka_t *new_client(rd_kafka_conf_t *conf) {
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    CHECK(client != NULL);
    return client;
}

static int starts_with(const char *text, const char *start) {
    return text != NULL && strncmp(text, start, strlen(start)) == 0;
}

/* bootstrap.servers of a configuration. */
static const char *servers_of(const rd_kafka_conf_t *conf) {
    static char servers[256];
    size_t size = sizeof(servers);
    CHECK(rd_kafka_conf_get(conf, "bootstrap.servers", servers, &size) == RD_KAFKA_CONF_OK);
    return servers;
}

/* What NAME leads to by the map. */
static const char *address_of_name(const kafka_emr_resolver_t *emr) {
    static char text[INET_ADDRSTRLEN];
    struct addrinfo *list = NULL;
    CHECK(kafka_emr_lookup(emr, NAME, "9092", NULL, &list) == 0);
    CHECK(list != NULL && list->ai_family == AF_INET && list->ai_addrlen == sizeof(struct sockaddr_in));
    CHECK(inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr, text, sizeof(text)) != NULL);
    kafka_emr_freeaddrinfo(list);
    return text;
}

static void nothing_is_a_crash_for_null(void) {
    static const char *const bad_override[] = {"network=\x1b", NULL};
    kafka_emr_resolver_t *emr = open_source(OLD_CLUSTER);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct addrinfo *list = (struct addrinfo *)(void *)errstr;

    CHECK(kafka_emr_resolver_open(NULL, errstr, sizeof(errstr)) == NULL && has_words("source is NULL"));
    CHECK(kafka_emr_resolver_open(NULL, NULL, 0) == NULL);
    CHECK(kafka_emr_resolver_open("", NULL, sizeof(errstr)) == NULL);
    CHECK(kafka_emr_resolver_open_with(NULL, NULL, errstr, sizeof(errstr)) == NULL && has_words("source is NULL"));
    CHECK(kafka_emr_resolver_open_with(NULL, bad_override, NULL, 0) == NULL);
    CHECK(kafka_emr_resolver_open_with(OLD_CLUSTER, bad_override, errstr, sizeof(errstr)) == NULL && has_words("\\u{1b}"));
    kafka_emr_resolver_free(kafka_emr_resolver_open_with(OLD_CLUSTER, NULL, NULL, 0));
    CHECK(kafka_emr_resolver_open_env(NULL, NULL, errstr, sizeof(errstr)) == NULL && has_words("source is NULL"));
    CHECK(kafka_emr_resolver_open_env(OLD_CLUSTER, bad_override, NULL, 0) == NULL);
    kafka_emr_resolver_free(NULL);
    kafka_emr_string_free(NULL);
    kafka_emr_freeaddrinfo(NULL);
    CHECK(kafka_emr_resolver_bootstrap_servers(NULL) == NULL);
    CHECK(kafka_emr_resolver_bootstrap_servers_for(NULL, NULL, NULL, errstr, sizeof(errstr)) == NULL);
    CHECK(has_words("resolver is NULL"));
    CHECK(kafka_emr_resolver_bootstrap_servers_for(NULL, "ssl", "GSSAPI", NULL, 0) == NULL);
    CHECK(starts_with(kafka_emr_resolver_bootstrap_servers_for(emr, NULL, NULL, NULL, 0), NAME));
    CHECK(kafka_emr_resolver_callback(NULL, errstr, sizeof(errstr)) == NULL && has_words("resolver is NULL"));
    CHECK(kafka_emr_resolver_callback(NULL, NULL, 0) == NULL);
    CHECK(kafka_emr_resolver_endpoints_json(NULL, errstr, sizeof(errstr)) == NULL && has_words("resolver is NULL"));
    CHECK(kafka_emr_resolver_endpoints_json(NULL, NULL, 0) == NULL);
    CHECK(kafka_emr_getaddrinfo(NULL, NAME, "1", NULL, &list) == EAI_FAIL && list == NULL);
    list = (struct addrinfo *)(void *)errstr;
    CHECK(kafka_emr_lookup(NULL, NAME, "1", NULL, &list) == EAI_FAIL && list == NULL);
    CHECK(kafka_emr_getaddrinfo(NULL, NULL, NULL, NULL, NULL) == EAI_FAIL);
    CHECK(kafka_emr_lookup(NULL, NULL, NULL, NULL, NULL) == EAI_FAIL);
    CHECK(kafka_emr_getaddrinfo(emr, NAME, "1", NULL, NULL) != 0);
    CHECK(kafka_emr_lookup(emr, NAME, "1", NULL, NULL) != 0);
    CHECK(kafka_emr_getaddrinfo(emr, NULL, NULL, NULL, &list) == EAI_NONAME && list == NULL);
    CHECK(kafka_emr_lookup(emr, NULL, NULL, NULL, &list) != 0 && list == NULL);
    CHECK(kafka_emr_conf_apply(NULL, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID && has_words("conf is NULL"));
    CHECK(kafka_emr_conf_apply(conf, NULL, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    CHECK(has_words("resolver is NULL"));
    CHECK(kafka_emr_conf_apply(NULL, NULL, NULL, 0) == RD_KAFKA_CONF_INVALID);
    CHECK(kafka_emr_apply(conf, emr, NULL, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    CHECK(has_words("librdkafka is NULL"));
    rd_kafka_conf_destroy(conf);
    kafka_emr_resolver_free(emr);
}

static void the_version_is_the_same_as_number_and_as_text(void) {
    char text[32];
    sprintf(text, "%d.%d.%d", KAFKA_EMR_VERSION >> 24, KAFKA_EMR_VERSION >> 16 & 0xff, KAFKA_EMR_VERSION >> 8 & 0xff);
    CHECK(strcmp(kafka_emr_version(), text) == 0);
}

/* Checks what a call that fails has written into `size` bytes. */
#define CHECK_WRITES(size, call)                                                                                       \
    do {                                                                                                               \
        size_t at;                                                                                                     \
        memset(message, 0x55, sizeof(message));                                                                        \
        (void)(call);                                                                                                  \
        CHECK((size) == 0 || memchr(message, 0, (size)) != NULL);                                                      \
        for (at = (size); at < sizeof(message); at++) {                                                                \
            CHECK(message[at] == 0x55);                                                                                \
        }                                                                                                              \
    } while (0)

static void nothing_is_written_past_the_end(void) {
    static const size_t sizes[] = {0, 1, 2, 4, 5, 9, 64};
    kafka_emr_resolver_t *emr = open_source(OLD_CLUSTER);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char message[128];
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        size_t size = sizes[i];
        CHECK_WRITES(size, kafka_emr_resolver_open("/nowhere/\xc3\xa4\xc3\xb6\xc3\xbc.toml", message, size));
        CHECK_WRITES(size, kafka_emr_resolver_bootstrap_servers_for(emr, "\xff", NULL, message, size));
        CHECK_WRITES(size, kafka_emr_resolver_callback(NULL, message, size));
        CHECK_WRITES(size, kafka_emr_resolver_endpoints_json(NULL, message, size));
        CHECK_WRITES(size, kafka_emr_conf_apply(conf, NULL, message, size));
    }
    /* Where there is no error, nothing is written. */
    memset(message, 0x55, sizeof(message));
    kafka_emr_resolver_free(kafka_emr_resolver_open(OLD_CLUSTER, message, sizeof(message)));
    CHECK(kafka_emr_conf_apply(conf, emr, message, sizeof(message)) == RD_KAFKA_CONF_OK);
    for (i = 0; i < sizeof(message); i++) {
        CHECK(message[i] == 0x55);
    }
    rd_kafka_conf_destroy(conf);
    kafka_emr_resolver_free(emr);
}

/* Opens `start` with as many of `filler` behind it as make a megabyte. */
static void check_long_source(const char *start, char filler) {
    char *source = (char *)malloc(MEGABYTE + 1);
    CHECK(source != NULL);
    memset(source, filler, MEGABYTE);
    source[MEGABYTE] = '\0';
    memcpy(source, start, strlen(start));
    errstr[0] = '\0';
    CHECK(kafka_emr_resolver_open(source, errstr, sizeof(errstr)) == NULL && has_words(""));
    CHECK(strlen(errstr) > 10);
    free(source);
}

static void bad_sources(void) {
    static const char *const bad[] = {
        "",     " ",      ";",       ";;",          "/",           "%",          "/nowhere/prod.toml",
        "emr:", "emr://", "emr:///", "emr://?=&=",  "emr://%ff",   "file:/",     "\x1b[31m;a",
        "\n\n", "\xff",   "\xff\xfe", "emr://48742", "a\xff.toml\xff", ";a.toml;;", "emr://48742?\xff",
    };
    size_t i;
    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        strcpy(errstr, bad[i]);
        CHECK(kafka_emr_resolver_open(bad[i], errstr, sizeof(errstr)) == NULL);
        CHECK(has_words("") && strlen(errstr) > 10 && strchr(errstr, '\x1b') == NULL);
    }
    check_long_source("a", 'a');
    check_long_source("/", 'a');
    check_long_source("emr://", '4');
    check_long_source("emr://48742?release=", '1');
    check_long_source("emr://48742?", '&');
    check_long_source("emr:///", '/');
    check_long_source(";", ';');
    check_long_source("\xff", '\xff');
}

static void write_file(const char *path, const char *content) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(content, file) >= 0);
    CHECK(fclose(file) == 0);
}

static void errors_have_their_codes(const char *path) {
    static const struct {
        const char *source;
        kafka_emr_err_t code;
        const char *name;
    } cases[] = {
        {"emr://48742?release=latest&emr-worker-1=10.0.1.24", KAFKA_EMR_ERR_RELEASE, "RELEASE"},
        {"emr://48742?release=3.10&emr-header-1=10.0.1.23", KAFKA_EMR_ERR_VALUE, "VALUE"},
        {"emr://48742?release=3.11&network=public&emr-worker-1=10.0.1.24", KAFKA_EMR_ERR_ADDRESS, "ADDRESS"},
        {"", KAFKA_EMR_ERR_SOURCE, "SOURCE"},
        {"/nowhere/prod.toml", KAFKA_EMR_ERR_IO, "IO"},
        {NULL, KAFKA_EMR_ERR_ARGUMENT, "ARGUMENT"},
    };
    kafka_emr_resolver_t *both = open_source(NEW_CLUSTER ";emr://48743?release=EMR-3.11.0&emr-worker-1=10.0.2.24");
    size_t i;

    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_OK);
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        CHECK(kafka_emr_resolver_open(cases[i].source, errstr, sizeof(errstr)) == NULL);
        CHECK(kafka_emr_last_error() == cases[i].code);
        CHECK(strcmp(kafka_emr_err2name(kafka_emr_last_error()), cases[i].name) == 0);
    }
    /* Without a message too; and what has no errstr changes nothing. */
    CHECK(kafka_emr_resolver_open("/nowhere/prod.toml", NULL, 0) == NULL);
    CHECK(kafka_emr_resolver_bootstrap_servers(both) == NULL);
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_IO);
    CHECK(kafka_emr_resolver_bootstrap_servers_for(both, NULL, NULL, NULL, 0) == NULL);
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_BOOTSTRAP);
    write_file(path, "id = \"48742\"\nrelease = \n");
    CHECK(kafka_emr_resolver_open(path, NULL, 0) == NULL);
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_SYNTAX);
    write_file(path, "10.0.1.24 " NAME "\n");
    CHECK(chmod(path, 0666) == 0);
    CHECK(kafka_emr_resolver_open(path, NULL, 0) == NULL);
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_INSECURE);
    CHECK(unlink(path) == 0);
    kafka_emr_resolver_free(open_source(OLD_CLUSTER));
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_OK);
    CHECK(strcmp(kafka_emr_err2name(-1), "UNKNOWN") == 0);
    kafka_emr_resolver_free(both);
}

static int lines = 0;

/* Takes lines, and calls the library. */
static void on_line(kafka_emr_log_level_t level, const char *message, void *opaque) {
    CHECK(level == KAFKA_EMR_LOG_WARN && opaque == (void *)&lines && strstr(message, "emr-worker-9.cluster-48742") != NULL);
    CHECK(strchr(message, '\n') == NULL);
    kafka_emr_resolver_free(open_source(OLD_CLUSTER));
    lines++;
}

static void the_network_of_the_environment_is_for_those_who_ask(void) {
    static const char *const private_network[] = {"network=private", NULL};
    kafka_emr_resolver_t *emr;

    CHECK(setenv("KAFKA_EMR_NETWORK", "public", 1) == 0);
    kafka_emr_resolver_free(open_source(NEW_CLUSTER));
    CHECK(kafka_emr_resolver_open_env(NEW_CLUSTER, NULL, errstr, sizeof(errstr)) == NULL && has_words("EIP"));
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_ADDRESS);
    emr = kafka_emr_resolver_open_env(NEW_CLUSTER "&network=private", NULL, errstr, sizeof(errstr));
    CHECK(emr != NULL);
    kafka_emr_resolver_free(emr);
    CHECK(setenv("KAFKA_EMR_NETWORK", "internet", 1) == 0);
    CHECK(kafka_emr_resolver_open_env(NEW_CLUSTER, NULL, errstr, sizeof(errstr)) == NULL && has_words("KAFKA_EMR_NETWORK: "));
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_VALUE);
    emr = kafka_emr_resolver_open_env(NEW_CLUSTER, private_network, errstr, sizeof(errstr));
    CHECK(emr != NULL);
    kafka_emr_resolver_free(emr);
    CHECK(unsetenv("KAFKA_EMR_NETWORK") == 0);
}

static void lines_go_to_the_program(void) {
    kafka_emr_resolver_t *emr = open_source(OLD_CLUSTER);
    struct addrinfo *list = NULL;
    kafka_emr_set_log_cb(on_line, &lines);
    CHECK(kafka_emr_lookup(emr, "emr-worker-9.cluster-48742", "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED);
    CHECK(lines == 1);
    kafka_emr_set_log_cb(NULL, NULL);
    CHECK(kafka_emr_lookup(emr, "emr-worker-8.cluster-48742", "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED);
    CHECK(lines == 1);
    kafka_emr_resolver_free(emr);
}

static void bad_names(void) {
    kafka_emr_resolver_t *emr = open_source(OLD_CLUSTER);
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    char *name = (char *)malloc(MEGABYTE + 1);

    CHECK(name != NULL);
    memset(name, 'a', MEGABYTE);
    name[MEGABYTE] = '\0';
    memset(&hints, 0, sizeof(hints));
    CHECK(kafka_emr_lookup(emr, "localhost", "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED && list == NULL);
    CHECK(kafka_emr_lookup(emr, "\xff", "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED && list == NULL);
    CHECK(kafka_emr_lookup(emr, name, "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED && list == NULL);
    CHECK(kafka_emr_getaddrinfo(emr, name, "80", NULL, &list) != 0 && list == NULL);
    CHECK(kafka_emr_getaddrinfo(emr, "", "80", NULL, &list) != 0 && list == NULL);
    CHECK(kafka_emr_lookup(emr, NAME, "no port", NULL, &list) == EAI_SERVICE && list == NULL);
    CHECK(kafka_emr_lookup(emr, NAME, name, NULL, &list) == EAI_SERVICE && list == NULL);
    CHECK(kafka_emr_lookup(emr, NAME, "65536", NULL, &list) == EAI_SERVICE && list == NULL);
    hints.ai_family = 99;
    CHECK(kafka_emr_getaddrinfo(emr, NAME, "80", &hints, &list) == EAI_FAMILY && list == NULL);
    CHECK(kafka_emr_lookup(emr, NAME, "80", &hints, &list) == KAFKA_EMR_NOT_MAPPED && list == NULL);
    hints.ai_family = AF_INET6;
    CHECK(kafka_emr_lookup(emr, NAME, "80", &hints, &list) != 0 && list == NULL);
    CHECK(strcmp(address_of_name(emr), "10.0.1.24") == 0);
    free(name);
    kafka_emr_resolver_free(emr);
}

/* Looks NAME up until it leads to `address`; where that has to stay so, for longer than a change goes unseen. */
static void check_leads_to(const kafka_emr_resolver_t *emr, const char *address, int stays) {
    time_t start = time(NULL);
    for (;;) {
        int leads = strcmp(address_of_name(emr), address) == 0;
        long passed = (long)(time(NULL) - start);
        CHECK(leads || !stays);
        if (stays ? passed >= 3 : leads) {
            return;
        }
        CHECK(passed < 30);
        poll(NULL, 0, 20);
    }
}

static void the_last_good_file_counts(const char *path) {
    kafka_emr_resolver_t *emr;
    write_file(path, "10.0.1.24 " NAME "\n");
    emr = open_source(path);
    check_leads_to(emr, "10.0.1.24", 0);
    CHECK(unlink(path) == 0);
    check_leads_to(emr, "10.0.1.24", 1);
    write_file(path, "id = \"48742\"\nrelease = \n");
    check_leads_to(emr, "10.0.1.24", 1);
    write_file(path, "10.0.1.99 " NAME "\n");
    check_leads_to(emr, "10.0.1.99", 0);
    kafka_emr_resolver_free(emr);
}

static void a_resolver_that_is_freed_serves_its_clients(const char *description) {
    kafka_emr_resolver_t *emr = open_source(description);
    kafka_emr_resolve_cb_t callback = kafka_emr_resolver_callback(emr, errstr, sizeof(errstr));
    rd_kafka_conf_t *conf = apply(emr);
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    rd_kafka_conf_t *copy_of_copy = rd_kafka_conf_dup(copy);
    rd_kafka_t *client;
    rd_kafka_t *client_of_copy;
    struct addrinfo *list = NULL;

    CHECK(callback != NULL && callback == kafka_emr_resolver_callback(emr, NULL, 0));
    kafka_emr_resolver_free(emr);

    client = new_client(conf);
    check_works(client);
    client_of_copy = new_client(copy);
    rd_kafka_destroy(client);
    check_works(client_of_copy);
    CHECK(callback(NAME, "1", NULL, &list, NULL) == 0 && list != NULL);
    CHECK(callback(NULL, NULL, NULL, &list, NULL) == 0);
    rd_kafka_destroy(client_of_copy);
    /* One configuration is left, which never becomes a client. */
    CHECK(callback(NAME, "1", NULL, &list, NULL) == 0);
    CHECK(callback(NULL, NULL, NULL, &list, NULL) == 0);
    rd_kafka_conf_destroy(copy_of_copy);
    list = (struct addrinfo *)(void *)errstr;
    if (rd_kafka_version() >= 0x020d0000) {
        CHECK(callback(NAME, "1", NULL, &list, NULL) == EAI_FAIL && list == NULL);
    } else {
        /* Kept for good: see kafka_emr_conf_apply(). */
        CHECK(callback(NAME, "1", NULL, &list, NULL) == 0 && list != NULL);
    }
    CHECK(callback(NULL, NULL, NULL, &list, NULL) == 0 && list == NULL);
}

static void a_bare_callback(const char *description) {
    kafka_emr_resolver_t *emr = open_source(description);
    kafka_emr_resolve_cb_t callback = kafka_emr_resolver_callback(emr, errstr, sizeof(errstr));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    struct addrinfo *list = NULL;

    CHECK(callback != NULL);
    rd_kafka_conf_set_resolve_cb(conf, callback);
    set(conf, "bootstrap.servers", kafka_emr_resolver_bootstrap_servers(emr));
    client = new_client(conf);
    check_works(client);
    rd_kafka_destroy(client);
    kafka_emr_resolver_free(emr);
    list = (struct addrinfo *)(void *)errstr;
    CHECK(callback(NAME, "1", NULL, &list, NULL) == EAI_FAIL && list == NULL);
    CHECK(callback(NULL, NULL, NULL, &list, NULL) == 0);
}

static int own_callback(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res,
                        void *opaque) {
    (void)node, (void)service, (void)hints, (void)opaque;
    *res = NULL;
    return EAI_FAIL;
}

static void configurations_that_cannot_be(void) {
    kafka_emr_resolver_t *emr = open_source(NEW_CLUSTER);
    kafka_emr_resolver_t *other = open_source(OLD_CLUSTER);
    kafka_emr_resolver_t *both = open_source(NEW_CLUSTER ";emr://48743?release=EMR-3.11.0&emr-worker-1=10.0.2.24");
    rd_kafka_conf_t *conf = apply(emr);
    rd_kafka_conf_t *copy;

    /* Twice. */
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    CHECK(kafka_emr_conf_apply(conf, other, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    CHECK(has_words("another resolver"));
    copy = rd_kafka_conf_dup(conf);
    CHECK(kafka_emr_conf_apply(copy, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    CHECK(kafka_emr_conf_apply(copy, other, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    rd_kafka_conf_destroy(conf);
    rd_kafka_conf_destroy(copy);

    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_resolve_cb(conf, own_callback);
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    CHECK(has_words("a resolve callback is set already, in ") && has_words("c_bad_input"));
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_CONFIGURATION);
    rd_kafka_conf_destroy(conf);

    /* With its own callback, set by hand, it has all the same to be taken over. */
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_resolve_cb(conf, kafka_emr_resolver_callback(emr, errstr, sizeof(errstr)));
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    CHECK(strcmp(servers_of(conf), NAME ":9092") == 0);
    CHECK(strcmp(kafka_emr_resolver_bootstrap_servers(emr), "10.0.1.24:9092") == 0);
    rd_kafka_conf_destroy(conf);

    /* Only the plugin takes a source there. */
    conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", OLD_CLUSTER);
    CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID && has_words("only the plugin"));
    rd_kafka_conf_destroy(conf);

    conf = rd_kafka_conf_new();
    switch (rd_kafka_conf_set(conf, "client.dns.lookup", "resolve_canonical_bootstrap_servers_only", errstr,
                              sizeof(errstr))) {
    case RD_KAFKA_CONF_UNKNOWN:
        puts("client.dns.lookup is unknown");
        break;
    case RD_KAFKA_CONF_OK:
        CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
        CHECK(has_words("client.dns.lookup"));
        break;
    default:
        CHECK(0 && "client.dns.lookup");
    }
    rd_kafka_conf_destroy(conf);

    conf = rd_kafka_conf_new();
    CHECK(kafka_emr_resolver_bootstrap_servers(both) == NULL);
    CHECK(kafka_emr_conf_apply(conf, both, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID);
    CHECK(has_words("bootstrap.servers"));
    set(conf, "bootstrap.servers", NAME ":9092");
    CHECK(kafka_emr_conf_apply(conf, both, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    CHECK(strcmp(servers_of(conf), NAME ":9092") == 0);
    rd_kafka_conf_destroy(conf);

    kafka_emr_resolver_free(emr);
    kafka_emr_resolver_free(other);
    kafka_emr_resolver_free(both);
}

static void clients_list_names_unless_the_description_has_none(void) {
    static const struct {
        const char *source;
        const char *protocol;
        const char *mechanism;
        const char *servers;
    } cases[] = {{NEW_CLUSTER, NULL, NULL, NAME ":9092"},
                 {NEW_CLUSTER, "plaintext", NULL, NAME ":"},
                 {NEW_CLUSTER, "sasl_plaintext", "PLAIN", NAME ":"},
                 {NEW_CLUSTER, "ssl", NULL, NAME ":"},
                 {NEW_CLUSTER "&bootstrap=addresses", NULL, NULL, "10.0.1.24:9092"},
                 {NEW_CLUSTER "&bootstrap=addresses", "sasl_plaintext", "GSSAPI", "10.0.1.24:"},
                 {WITHOUT_ID, NULL, NULL, "10.0.1.24:"},
                 {WITHOUT_ID, "sasl_plaintext", "PLAIN", "10.0.1.24:"},
                 {WITHOUT_ID, "sasl_plaintext", NULL, NULL},
                 {WITHOUT_ID, "ssl", NULL, NULL}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        kafka_emr_resolver_t *emr = open_source(cases[i].source);
        const char *servers = kafka_emr_resolver_bootstrap_servers_for(emr, cases[i].protocol, cases[i].mechanism,
                                                                       errstr, sizeof(errstr));
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        if (cases[i].servers == NULL) {
            CHECK(servers == NULL && has_words("id"));
        } else {
            CHECK(starts_with(servers, cases[i].servers));
        }
        if (has_tls() || cases[i].protocol == NULL || strstr(cases[i].protocol, "ssl") == NULL) {
            if (cases[i].protocol != NULL) {
                set(conf, "security.protocol", cases[i].protocol);
            }
            if (cases[i].mechanism != NULL) {
                set(conf, "sasl.mechanism", cases[i].mechanism);
            }
            CHECK((kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK) == (servers != NULL));
            CHECK(servers == NULL || strcmp(servers_of(conf), servers) == 0);
        }
        rd_kafka_conf_destroy(conf);
        kafka_emr_resolver_free(emr);
    }
}

static void the_state_of_a_resolver(const char *path) {
    struct addrinfo *list = NULL;
    kafka_emr_resolver_t *emr;
    time_t start = time(NULL);
    char *status;
    int stale;

    write_file(path, "10.0.1.24 " NAME "\n");
    emr = open_source(path);
    CHECK(kafka_emr_lookup(emr, "localhost", "80", NULL, &list) == KAFKA_EMR_NOT_MAPPED);
    CHECK(strcmp(address_of_name(emr), "10.0.1.24") == 0);
    status = kafka_emr_resolver_status_json(emr, errstr, sizeof(errstr));
    CHECK(status != NULL && strstr(status, path) != NULL && strstr(status, "\"stale\":null") != NULL);
    CHECK(strstr(status, "\"lookups\":{\"mapped\":1,\"passed_on\":1,\"refused\":0}") != NULL);
    kafka_emr_string_free(status);
    CHECK(unlink(path) == 0);
    do {
        CHECK(time(NULL) - start < 30);
        poll(NULL, 0, 20);
        CHECK(strcmp(address_of_name(emr), "10.0.1.24") == 0);
        status = kafka_emr_resolver_status_json(emr, errstr, sizeof(errstr));
        CHECK(status != NULL);
        stale = strstr(status, "no such file") != NULL;
        kafka_emr_string_free(status);
    } while (!stale);
    kafka_emr_resolver_free(emr);
    CHECK(kafka_emr_resolver_status_json(NULL, errstr, sizeof(errstr)) == NULL && has_words("resolver is NULL"));
}

static void clients_that_cannot_be_made(void) {
    static const char *const reasons[][4] = {
        /* Seen at once, and seen when the client is half made. */
        {"enable.idempotence", "true", "acks", "0"},
        {"security.protocol", "ssl", "ssl.ca.location", "/nowhere/ca.pem"},
    };
    size_t i;
    for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        kafka_emr_resolver_t *emr;
        rd_kafka_conf_t *conf;
        if (!has_tls() && strcmp(reasons[i][1], "ssl") == 0) {
            continue;
        }
        emr = open_source(NEW_CLUSTER);
        conf = rd_kafka_conf_new();
        set(conf, reasons[i][0], reasons[i][1]);
        set(conf, reasons[i][2], reasons[i][3]);
        CHECK(kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
        CHECK(rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr)) == NULL);
        rd_kafka_conf_destroy(conf);
        kafka_emr_resolver_free(emr);
    }
}

static void callbacks_run_out_and_come_back(void) {
    static kafka_emr_resolver_t *resolvers[1100];
    const int count = (int)(sizeof(resolvers) / sizeof(*resolvers));
    int with_callback = 0;
    /* Of a source that no client has had so far. */
    kafka_emr_resolver_t *another = open_source("emr://48743?release=EMR-3.10.1&emr-worker-1=10.0.1.24");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int i;

    for (i = 0; i < count; i++) {
        resolvers[i] = open_source(OLD_CLUSTER);
        with_callback += kafka_emr_resolver_callback(resolvers[i], errstr, sizeof(errstr)) != NULL;
    }
    /* Before librdkafka 2.13.0 those that were used above are kept. */
    CHECK(with_callback <= 1024 && with_callback > (rd_kafka_version() >= 0x020d0000 ? 1023 : 1000) && has_words("1024"));
    CHECK(kafka_emr_resolver_callback(resolvers[1024], errstr, sizeof(errstr)) == NULL);
    CHECK(kafka_emr_last_error() == KAFKA_EMR_ERR_TOO_MANY_RESOLVERS);
    CHECK(kafka_emr_conf_apply(conf, another, errstr, sizeof(errstr)) == RD_KAFKA_CONF_INVALID && has_words("1024"));
    /* A resolver without one is a resolver still. */
    CHECK(strcmp(address_of_name(resolvers[1024]), "10.0.1.24") == 0);
    for (i = 0; i < 1000; i++) {
        kafka_emr_resolver_free(resolvers[i]);
    }
    CHECK(kafka_emr_resolver_callback(resolvers[1024], errstr, sizeof(errstr)) != NULL);
    CHECK(kafka_emr_conf_apply(conf, another, errstr, sizeof(errstr)) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
    kafka_emr_resolver_free(another);
    for (i = 1000; i < count; i++) {
        kafka_emr_resolver_free(resolvers[i]);
    }
}

static void a_description_that_is_gone(const char *description) {
    kafka_emr_resolver_t *emr = open_source(description);
    rd_kafka_t *client;
    CHECK(unlink(description) == 0);
    client = new_client(apply(emr));
    check_works(client);
    rd_kafka_destroy(client);
    kafka_emr_resolver_free(emr);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    printf("librdkafka %s, %s TLS\n", rd_kafka_version_str(), has_tls() ? "with" : "without");
    nothing_is_a_crash_for_null();
    nothing_is_written_past_the_end();
    the_version_is_the_same_as_number_and_as_text();
    errors_have_their_codes(argv[2]);
    the_network_of_the_environment_is_for_those_who_ask();
    lines_go_to_the_program();
    bad_sources();
    bad_names();
    the_last_good_file_counts(argv[2]);
    a_resolver_that_is_freed_serves_its_clients(argv[1]);
    a_bare_callback(argv[1]);
    configurations_that_cannot_be();
    clients_list_names_unless_the_description_has_none();
    the_state_of_a_resolver(argv[2]);
    callbacks_run_out_and_come_back();
    a_description_that_is_gone(argv[1]);
    clients_that_cannot_be_made();
    puts("all as expected");
    return 0;
}
