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
 * is refused. A relative path is one of the moment it is opened.
 *
 * The same library is a plugin for librdkafka programs that are not changed (plugin.library.paths): see the README.
 *
 * Conventions. Strings end in NUL and are UTF-8. Pointers are valid for the time of a call. NULL is never a crash: where it
 * is not allowed, it is an error. Errors are said as librdkafka says them: a message in errstr, which may be NULL, of at
 * most errstr_size bytes with its NUL, cut where it is longer, and untouched where there is no error. Nothing throws,
 * unwinds or exits across these functions. What is returned is freed with the function that is named, never with free().
 *
 * Warnings go to standard error. KAFKA_EMR_LOG in the environment says how much: off, error, warn (default), info, debug.
 * These functions read no other variable. They need C99, C++11 or later.
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

// What kafka_emr_lookup() returns for a name that is none of the clusters'. No EAI code has this value.
#define KAFKA_EMR_NOT_MAPPED 10000

// Resolves the names of one EMR cluster, or of several.
//
// Made by kafka_emr_resolver_open(), freed by kafka_emr_resolver_free().
//
// All functions may be called on it from any thread, several at once; it may be freed when no call on it is running any
// more. It need not outlive the clients it was given to by kafka_emr_conf_apply(): each of them keeps what it needs until
// it is destroyed. After kafka_emr_resolver_free() the pointer must not be used, and a pointer to anything else must never
// be passed as one: neither can be noticed.
typedef struct kafka_emr_resolver_t kafka_emr_resolver_t;

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

// Opens a source and returns its resolver, or NULL with a message in errstr.
//
// The source is a path or file:///path, emr:///path?network=public (a file with top-level keys overridden),
// emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24/203.0.113.24 (everything inline), or several of these separated by
// semicolons. A file is followed while the resolver is in use: when it changes, the next lookup sees it, within a second,
// and when it is bad or missing, the last good one stays in use and one warning says so.
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

// Frees a resolver; NULL is fine.
//
// Clients that were given it by kafka_emr_conf_apply() go on. A callback from kafka_emr_resolver_callback() must not be
// called any more: it fails each lookup (EAI_FAIL, and a line in the log) as soon as no such client keeps what it needs,
// and another resolver may take its place later.
void kafka_emr_resolver_free(kafka_emr_resolver_t *resolver);

// Returns the value for bootstrap.servers by the version rules, or NULL: for a NULL resolver, and for one over several
// clusters, whose clients have to say which brokers they mean.
//
// The string belongs to the resolver and is valid until that is freed. When the file behind it has changed, a later call
// returns another string.
const char *kafka_emr_resolver_bootstrap_servers(const kafka_emr_resolver_t *resolver);

// As kafka_emr_resolver_bootstrap_servers(), for a client that may use TLS or Kerberos: those compare certificates and
// principals with the name that was dialled, so the brokers are listed by long domain.
//
// security_protocol and sasl_mechanism are the client's properties security.protocol and sasl.mechanism; NULL for one that
// is not set. Returns NULL with a message in errstr when there is no such list.
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

// Frees a string that the caller owns; NULL is fine.
void kafka_emr_string_free(char *string);

// Returns the library's version, as "0.1.0".
const char *kafka_emr_version(void);

// Resolves as getaddrinfo(3) does, with the resolver in front: the names of its clusters are answered from the map, all
// others by the system's getaddrinfo with the caller's own hints. On the public network a node's private IP leads to its
// EIP, and where a description says connect, names and addresses of the node lead there, to its port.
//
// Returns 0 and a list in *res, or an EAI_* code and NULL in *res. Free the list with kafka_emr_freeaddrinfo(), never with
// freeaddrinfo().
int kafka_emr_getaddrinfo(const kafka_emr_resolver_t *resolver,
                          const char *node,
                          const char *service,
                          const struct addrinfo *hints,
                          struct addrinfo **res);

// As kafka_emr_getaddrinfo(), but never asks the system: a name that is none of the clusters' is KAFKA_EMR_NOT_MAPPED, with
// NULL in *res.
int kafka_emr_lookup(const kafka_emr_resolver_t *resolver,
                     const char *node,
                     const char *service,
                     const struct addrinfo *hints,
                     struct addrinfo **res);

// Frees a list of kafka_emr_getaddrinfo() or kafka_emr_lookup(); NULL is fine.
void kafka_emr_freeaddrinfo(struct addrinfo *res);

// Gives a resolver to a librdkafka configuration. Called by kafka_emr_conf_apply() in kafka_emr_rdkafka.h, which says what
// it does.
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
