/*
 * kafka_emr_rdkafka.h: a resolver for librdkafka clients
 *
 * Include it in a program that uses librdkafka 2.0.0 or later, shared or static. It calls the librdkafka that the program
 * itself links; libkafka_emr links none.
 */

#ifndef KAFKA_EMR_RDKAFKA_H
#define KAFKA_EMR_RDKAFKA_H

#include <string.h>

#include <librdkafka/rdkafka.h>

#include "kafka_emr.h"

#if RD_KAFKA_VERSION < 0x02000000
#error "kafka_emr_rdkafka.h needs librdkafka 2.0.0 or later: earlier ones have no resolve callback"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the program's librdkafka function of this name, of those that libkafka_emr uses; NULL for any other. */
static inline kafka_emr_function_t kafka_emr_rdkafka_function(const char *name) {
#define KAFKA_EMR_FUNCTION(function)                                                                                        \
    if (!strcmp(name, #function))                                                                                          \
    return (kafka_emr_function_t)function
    KAFKA_EMR_FUNCTION(rd_kafka_version);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_set_resolve_cb);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_get);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_set);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_interceptor_add_on_conf_set);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_interceptor_add_on_conf_dup);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_interceptor_add_on_conf_destroy);
    KAFKA_EMR_FUNCTION(rd_kafka_conf_interceptor_add_on_new);
    KAFKA_EMR_FUNCTION(rd_kafka_interceptor_add_on_consume);
    KAFKA_EMR_FUNCTION(rd_kafka_type);
    KAFKA_EMR_FUNCTION(rd_kafka_clusterid);
    KAFKA_EMR_FUNCTION(rd_kafka_mem_free);
    KAFKA_EMR_FUNCTION(rd_kafka_interceptor_add_on_thread_start);
    KAFKA_EMR_FUNCTION(rd_kafka_conf);
    KAFKA_EMR_FUNCTION(rd_kafka_log_print);
#undef KAFKA_EMR_FUNCTION
    return NULL;
}

/*
 * Gives a resolver to a configuration, before rd_kafka_new() and after the program's own rd_kafka_conf_set() calls.
 *
 * It sets the resolve callback, client.dns.lookup=use_all_dns_ips if librdkafka has that (2.2.0), and bootstrap.servers if that
 * is not set: as kafka_emr_resolver_bootstrap_servers_for() returns it. The configuration, its copies (rd_kafka_conf_dup) and
 * their clients keep what they need of the resolver, which may be freed at any time.
 *
 * Returns RD_KAFKA_CONF_OK, or RD_KAFKA_CONF_INVALID with a message in errstr: if an argument is NULL; if client.dns.lookup is
 * resolve_canonical_bootstrap_servers_only; if the configuration has a resolve callback already, the program's or another
 * resolver's; if bootstrap.servers is a source (emr://…), which the plugin takes; and if the resolver is over several clusters
 * and bootstrap.servers is not set. kafka_emr_last_error() has the code.
 *
 * With librdkafka before 2.13.0, nothing can be freed with a client without risk (it frees interceptors twice when
 * rd_kafka_new() fails and its configuration is then destroyed, its issue 4142). With such a version the library keeps one
 * map for each source, however often that is opened, until the process ends, and counts it among the 1024. From 2.13.0 on,
 * consumers also compare a description's cluster_id, and lines about a client go to its log_cb (see kafka_emr.h).
 */
static inline rd_kafka_conf_res_t kafka_emr_conf_apply(rd_kafka_conf_t *conf, kafka_emr_resolver_t *resolver,
                                                       char *errstr, size_t errstr_size) {
    return (rd_kafka_conf_res_t)kafka_emr_apply(conf, resolver, kafka_emr_rdkafka_function, errstr, errstr_size);
}

#ifdef __cplusplus
}
#endif

#endif /* KAFKA_EMR_RDKAFKA_H */
