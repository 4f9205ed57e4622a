/*
 * kafka_emr.h: the names of EMR Kafka clusters, for C and C++
 *
 * An Alibaba Cloud EMR Kafka cluster names its brokers by long domains (emr-worker-1.cluster-48742) that no DNS outside the
 * cluster knows. A resolver knows them, from a small description of the cluster, and resolves them inside the process.
 * Programs that use librdkafka include kafka_emr_rdkafka.h as well, and need three calls:
 *
 *     kafka_emr_resolver_t *emr = kafka_emr_resolver_open("prod.toml", errstr, sizeof(errstr));
 *     kafka_emr_conf_apply(conf, emr, errstr, sizeof(errstr));     (before rd_kafka_new)
 *     kafka_emr_resolver_free(emr);                                (at any time after)
 *
 * Build with: cc program.c $(pkg-config --cflags --libs kafka_emr rdkafka)
 *
 * The description is a file in TOML, JSON or hosts text, which the project's README shows with all keys: the cluster's id, its
 * EMR release, the network that the client comes from, and the nodes with their addresses. A file that everybody may write to
 * is refused, and so is another user's in a folder that everybody may write to. A relative path is relative to the working
 * directory at the moment that it is opened.
 *
 * The same library is a plugin for librdkafka programs that are not changed (plugin.library.paths): see the README.
 *
 * Conventions. Strings end in NUL and are UTF-8. Pointers are valid for the time of a call. NULL is never a crash: where it
 * is not allowed, it is an error. An error is a message in errstr, as librdkafka writes it: errstr may be NULL, a message has
 * at most errstr_size bytes with its NUL and is cut if it is longer, and without an error nothing is written. After a function
 * with errstr, kafka_emr_last_error() returns the code of its error. Nothing throws, unwinds or exits across these functions.
 * What is returned is freed with the function that is named, never with free().
 *
 * Lines for a log go to the callback of kafka_emr_set_log_cb(), if there is one. Else a line that comes from one of a client's
 * threads goes to the client's log_cb, if the program has set one (rd_kafka_conf_set_log_cb) and not log.queue, which lets only
 * the program's threads call it: with librdkafka's level, within the client's log_level, and the facility KAFKAEMR. For
 * kafka_emr_conf_apply() that needs librdkafka 2.13.0. All other lines go to standard error, whatever file that is by then. The
 * library never waits for standard error: a line that it cannot take at once is lost, and the next one has the number of lost
 * lines. KAFKA_EMR_LOG in the environment sets the level, wherever lines go: off, error, warn (default), info, debug.
 *
 * No function but kafka_emr_resolver_open_env() reads another variable. They need C99, C++11 or later.
 *
 * This file is generated from the sources of kafka-emr-ffi.
 */

#ifndef KAFKA_EMR_H
#define KAFKA_EMR_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct addrinfo;

// The version of this header, as 0xMMmmppff: major, minor, patch, and ff for a release. A program can compare it when it is
// compiled; kafka_emr_version() is that of the library it runs with.
#define KAFKA_EMR_VERSION 0x000100ff

// What kafka_emr_lookup() returns where the system is to be asked. No EAI code has this value.
#define KAFKA_EMR_NOT_MAPPED 10000

// Why a call failed. A number never gets another meaning; later versions may add some.
typedef enum {
  // No error.
  KAFKA_EMR_ERR_OK = 0,
  // An EMR release is missing, or not written in an accepted spelling.
  KAFKA_EMR_ERR_RELEASE = 1,
  // Text is not valid TOML, JSON or hosts text, or has unknown keys or wrong types.
  KAFKA_EMR_ERR_SYNTAX = 2,
  // A value is well-formed but cannot be: a bad address, a duplicate name, no broker.
  KAFKA_EMR_ERR_VALUE = 3,
  // Brokers lack the address that the network needs.
  KAFKA_EMR_ERR_ADDRESS = 4,
  // A source string cannot be understood.
  KAFKA_EMR_ERR_SOURCE = 5,
  // A file does not exist or cannot be read.
  KAFKA_EMR_ERR_IO = 6,
  // A file is refused because others could have written it: everybody may write to it, or it belongs to another user (not
  // root) and is in a folder that everybody may write to. The same holds for the links and folders that lead to it. What is
  // mounted there is read.
  KAFKA_EMR_ERR_INSECURE = 7,
  // A resolver over several clusters has no bootstrap servers of its own.
  KAFKA_EMR_ERR_BOOTSTRAP = 8,
  // An argument is NULL where that is not allowed, or is not UTF-8.
  KAFKA_EMR_ERR_ARGUMENT = 9,
  // 1024 resolvers of this process have a callback already.
  KAFKA_EMR_ERR_TOO_MANY_RESOLVERS = 10,
  // A librdkafka configuration cannot have the resolver: it has another resolve callback or a property that rules it out,
  // or librdkafka refuses.
  KAFKA_EMR_ERR_CONFIGURATION = 11,
  // A defect of the library: it panicked inside.
  KAFKA_EMR_ERR_INTERNAL = 12,
  // An error of the core that this version of the library has no code for.
  KAFKA_EMR_ERR_OTHER = 13,
} kafka_emr_err_t;

// How severe a line is. The numbers are syslog's, as those of librdkafka's log_cb.
typedef enum {
  // Something does not work.
  KAFKA_EMR_LOG_ERROR = 3,
  // Something is wrong that may yet work.
  KAFKA_EMR_LOG_WARN = 4,
  // What was read, from where.
  KAFKA_EMR_LOG_INFO = 6,
  // Details, to find a mistake.
  KAFKA_EMR_LOG_DEBUG = 7,
} kafka_emr_log_level_t;

// Resolves the names of one EMR cluster, or of several.
//
// Made by kafka_emr_resolver_open(), freed by kafka_emr_resolver_free().
//
// All functions may be called on it from any thread, several at once; it may be freed when no call on it is running any
// more. It need not outlive the clients it was given to by kafka_emr_conf_apply(): each of them keeps what it needs until
// it is destroyed. After kafka_emr_resolver_free() the pointer must not be used, and a pointer to anything else must never
// be passed as one: neither can be noticed.
typedef struct kafka_emr_resolver_t kafka_emr_resolver_t;

// Receives the library's lines: see kafka_emr_set_log_cb(). message is one line without its end, valid for the time of the
// call.
typedef void (*kafka_emr_log_cb_t)(kafka_emr_log_level_t level, const char *message, void *opaque);

// librdkafka's resolve callback. It resolves as getaddrinfo(3) does; with node and service NULL it frees the list in *res.
typedef int (*kafka_emr_resolve_cb_t)(const char *node,
                                      const char *service,
                                      const struct addrinfo *hints,
                                      struct addrinfo **res,
                                      void *opaque);

// A function of any type. It is called as what it is.
typedef void (*kafka_emr_function_t)(void);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Returns why this thread's last call of a function with errstr failed: KAFKA_EMR_ERR_OK if it succeeded, or if there was
// none. Other threads' calls do not change it, nor do calls of functions without errstr.
kafka_emr_err_t kafka_emr_last_error(void);

// Returns a code's name without KAFKA_EMR_ERR_, as "SYNTAX", and "UNKNOWN" for a number that this version does not have. The
// string is constant.
const char *kafka_emr_err2name(int err);

// Hands the library's lines to a callback of the program's, with opaque, in place of standard error; NULL puts standard error
// back. The callback gets the lines that KAFKA_EMR_LOG asks for, also those that would go to a client's log_cb otherwise.
//
// The callback is called by the thread that something happens in: one that is inside a function of this library, or one of
// librdkafka's, while it resolves a name. There may be several at once. The library holds no lock meanwhile. The callback
// may call this library; lines that this causes go to standard error. It must not throw, nor leave by longjmp() or
// pthread_exit(), nor wait for long, since a client waits for it.
//
// When this function returns, no other thread is inside the callback that was set before, and none will call it: what its
// opaque points to may be freed. Other threads that are inside are waited for, so the caller must not hold a lock that the
// callback takes. Exceptions: if this function is called from within a callback, or in a process that was forked since the
// callback was set, it waits for nobody.
void kafka_emr_set_log_cb(kafka_emr_log_cb_t cb,
                          void *opaque);

// Opens a source and returns its resolver, or NULL with a message in errstr.
//
// The source is a path or file:///path, emr:///path?network=public (a file with top-level keys overridden),
// emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24/203.0.113.24 (everything inline), or several of these separated by
// semicolons. A file is followed while the resolver is in use: when it changes, the next lookup sees it, within a second,
// and when it is bad or missing, the last good one stays in use, with one warning.
//
// errstr may be NULL; a message that does not fit into errstr_size bytes is cut.
kafka_emr_resolver_t *kafka_emr_resolver_open(const char *source,
                                              char *errstr,
                                              size_t errstr_size);

// As kafka_emr_resolver_open(), with top-level keys of the description overridden in every cluster of the source: overrides
// is an array of strings as "network=public" that ends in NULL, or NULL itself. The keys are network, bootstrap, strict,
// release, region, port, id and cluster_id.
kafka_emr_resolver_t *kafka_emr_resolver_open_with(const char *source,
                                                   const char *const *overrides,
                                                   char *errstr,
                                                   size_t errstr_size);

// As kafka_emr_resolver_open_with(), with the network that KAFKA_EMR_NETWORK in the environment names (private or public), as in
// the plugin and the command. Overrides come first, then the parameters of the source, the variable, and the file. The variable
// is not read in setuid programs.
kafka_emr_resolver_t *kafka_emr_resolver_open_env(const char *source,
                                                  const char *const *overrides,
                                                  char *errstr,
                                                  size_t errstr_size);

// Frees a resolver; NULL is fine.
//
// Clients that were given it by kafka_emr_conf_apply() go on. A callback from kafka_emr_resolver_callback() must not be
// called any more: it fails each lookup (EAI_FAIL, and a line in the log) as soon as no such client keeps what it needs,
// and another resolver may take its place later.
void kafka_emr_resolver_free(kafka_emr_resolver_t *resolver);

// Returns the value for bootstrap.servers that EMR's document has for the cluster's version: for programs that resolve names
// by themselves. NULL for a NULL resolver, and for one over several clusters, whose clients set their brokers
// themselves.
//
// The string belongs to the resolver and is valid until that is freed. When the file behind it has changed, a later call
// returns another string.
const char *kafka_emr_resolver_bootstrap_servers(const kafka_emr_resolver_t *resolver);

// As kafka_emr_resolver_bootstrap_servers(), for a client with the resolver's callback: the brokers by long domain, so that the
// client finds a cluster again whose addresses have changed. By address if the description has bootstrap = "addresses", or
// has no id and so no long domains.
//
// security_protocol and sasl_mechanism are the client's properties security.protocol and sasl.mechanism; NULL for one that
// is not set. TLS and Kerberos compare certificates and principals with the name that was dialled: returns NULL with a
// message in errstr if they need long domains and there are none, and as above.
const char *kafka_emr_resolver_bootstrap_servers_for(const kafka_emr_resolver_t *resolver,
                                                     const char *security_protocol,
                                                     const char *sasl_mechanism,
                                                     char *errstr,
                                                     size_t errstr_size);

// Returns a callback for rd_kafka_conf_set_resolve_cb(), or NULL with a message in errstr: a process can have 1024
// resolvers with a callback at the same time.
//
// The callback belongs to this resolver and uses no opaque: the application keeps its own. It may be called from any
// thread. The caller sees to it that the resolver outlives all clients that have the callback; kafka_emr_conf_apply()
// does that by itself.
kafka_emr_resolve_cb_t kafka_emr_resolver_callback(const kafka_emr_resolver_t *resolver,
                                                   char *errstr,
                                                   size_t errstr_size);

// Returns everything that is known of the clusters' endpoints as JSON, or NULL with a message in errstr. Free it with
// kafka_emr_string_free().
//
// It is a list with an object for each cluster: domain, release, network, rule (name, reason, section), broker_setting,
// strict, bootstrap_servers, nodes (a list of name, role, broker, long_domain, addresses, port, by) and plain_hosts (a list
// of name, address): the `clusters` of `kafka-emr endpoints --json`.
char *kafka_emr_resolver_endpoints_json(const kafka_emr_resolver_t *resolver,
                                        char *errstr,
                                        size_t errstr_size);

// Returns the resolver's state as JSON, or NULL with a message in errstr. Free it with kafka_emr_string_free(). Later versions
// may add keys.
//
// It is an object of source (as messages show it), read_at (when the descriptions in use were read, in seconds since 1970),
// files (a list of path, size in bytes, modified in seconds since 1970: as they were then), stale (why newer states of the
// files are not in use, or null) and lookups (mapped, passed_on and refused, counted since the resolver was opened).
char *kafka_emr_resolver_status_json(const kafka_emr_resolver_t *resolver,
                                     char *errstr,
                                     size_t errstr_size);

// Frees a string that the caller owns; NULL is fine.
void kafka_emr_string_free(char *string);

// Returns the library's version, as "0.1.0".
const char *kafka_emr_version(void);

// Resolves as getaddrinfo(3) does, with the resolver in front: the names of its clusters are answered from the map, all
// others by the system's getaddrinfo with the caller's own hints. On the public network a node's private IP leads to its
// EIP, and if a node has connect, its names and addresses lead there, to its port.
//
// Three things differ for the names of the clusters: AI_ADDRCONFIG has no effect, because a mapped address is to be dialled
// whatever addresses this machine has; the addresses of a list are in the order of the description, unsorted; and a port above
// 65535 is EAI_SERVICE.
//
// Returns 0 and a list in *res, or an EAI_* code and NULL in *res. Free the list with kafka_emr_freeaddrinfo(), never with
// freeaddrinfo().
int kafka_emr_getaddrinfo(const kafka_emr_resolver_t *resolver,
                          const char *node,
                          const char *service,
                          const struct addrinfo *hints,
                          struct addrinfo **res);

// As kafka_emr_getaddrinfo(), but never asks the system for a name. Returns KAFKA_EMR_NOT_MAPPED, with NULL in *res, for a name
// that no cluster has, and for an address family other than AF_INET, AF_INET6 and AF_UNSPEC.
int kafka_emr_lookup(const kafka_emr_resolver_t *resolver,
                     const char *node,
                     const char *service,
                     const struct addrinfo *hints,
                     struct addrinfo **res);

// As kafka_emr_lookup(), for code that stands in front of a whole program's lookups, which are not for brokers alone: only
// the names that a description has in full are mapped (long domains, host, aliases, names in hosts text), no short names and no
// addresses. For every other name no file is looked at and no line is written. The connect of a node is for TCP to Kafka's ports:
// its name leads to an address of the node's own, which kafka_emr_program_connect() leads on; to the tunnel itself only if the
// node has no such address.
int kafka_emr_program_lookup(const kafka_emr_resolver_t *resolver,
                             const char *node,
                             const char *service,
                             const struct addrinfo *hints,
                             struct addrinfo **res);

// Finds where a whole program's TCP connection to an address goes instead: on the public network from a node's private IP to
// its EIP, and from a node's addresses to its connect, for the ports of Kafka in its cluster only.
//
// Writes an address of the same family to *to and returns its length; returns 0, and writes nothing, for a connection that
// goes where it is made to. It takes no lock, looks at no file and makes no system call. It is not for UDP: the caller knows
// the socket.
unsigned int kafka_emr_program_connect(const kafka_emr_resolver_t *resolver,
                                       const struct sockaddr *address,
                                       unsigned int address_length,
                                       struct sockaddr_storage *to);

// Frees a list of kafka_emr_getaddrinfo(), kafka_emr_lookup() or kafka_emr_program_lookup(); NULL is fine.
void kafka_emr_freeaddrinfo(struct addrinfo *res);

// Gives a resolver to a librdkafka configuration. Called by kafka_emr_conf_apply() in kafka_emr_rdkafka.h, which documents it.
//
// conf is an rd_kafka_conf_t, and librdkafka returns the function of a name, of the librdkafka that conf is of. Returns
// an rd_kafka_conf_res_t.
int kafka_emr_apply(void *conf,
                    const kafka_emr_resolver_t *resolver,
                    kafka_emr_function_t (*librdkafka)(const char *name),
                    char *errstr,
                    size_t errstr_size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KAFKA_EMR_H */
