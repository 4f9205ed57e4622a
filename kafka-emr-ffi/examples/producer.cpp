// Produces messages to a topic of an EMR cluster with librdkafka's C++ API, and waits until the brokers have them.
//
//     producer SOURCE TOPIC [COUNT]
//
// Build: c++ producer.cpp -o producer $(pkg-config --cflags --libs kafka_emr rdkafka++ rdkafka)
// Exit status: 0 when all messages are delivered, 1 when one is not, 2 for bad usage or a bad source.

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

// Before rdkafkacpp.h: it includes librdkafka's C header, which c_ptr_global() is for.
#include <kafka_emr_rdkafka.h>

#include <librdkafka/rdkafkacpp.h>

namespace {

// Is called for each message, by poll() and flush().
class Deliveries : public RdKafka::DeliveryReportCb {
public:
    void dr_cb(RdKafka::Message &message) override {
        if (message.err() == RdKafka::ERR_NO_ERROR) {
            delivered_++;
            return;
        }
        // Each message fails for the same reason, mostly.
        if (!failed_) {
            std::cerr << "producer: not delivered: " << message.errstr() << '\n';
        }
        failed_ = true;
    }

    long delivered() const { return delivered_; }

private:
    long delivered_ = 0;
    bool failed_ = false;
};

struct FreeResolver {
    void operator()(kafka_emr_resolver_t *resolver) const { kafka_emr_resolver_free(resolver); }
};

// Gives the cluster's names to a configuration. The client keeps what it needs of the resolver.
void apply(RdKafka::Conf &conf, const std::string &source) {
    char errstr[512];
    std::unique_ptr<kafka_emr_resolver_t, FreeResolver> emr(
        kafka_emr_resolver_open(source.c_str(), errstr, sizeof(errstr)));
    if (!emr || kafka_emr_conf_apply(conf.c_ptr_global(), emr.get(), errstr, sizeof(errstr)) != RD_KAFKA_CONF_OK) {
        throw std::runtime_error(errstr);
    }
}

void set(RdKafka::Conf &conf, const std::string &property, const std::string &value) {
    std::string errstr;
    if (conf.set(property, value, errstr) != RdKafka::Conf::CONF_OK) {
        throw std::runtime_error(errstr);
    }
}

std::unique_ptr<RdKafka::Producer> new_producer(const std::string &source, Deliveries &deliveries) {
    std::unique_ptr<RdKafka::Conf> conf(RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
    std::string errstr;
    if (conf->set("dr_cb", &deliveries, errstr) != RdKafka::Conf::CONF_OK) {
        throw std::runtime_error(errstr);
    }
    set(*conf, "client.id", "kafka-emr-example");
    set(*conf, "message.timeout.ms", "60000");
    // Last, because it looks at what is set.
    apply(*conf, source);
    std::unique_ptr<RdKafka::Producer> producer(RdKafka::Producer::create(conf.get(), errstr));
    if (!producer) {
        throw std::runtime_error(errstr);
    }
    return producer;
}

// Sends "message NUMBER from C++".
RdKafka::ErrorCode produce(RdKafka::Producer &producer, const std::string &topic, long number) {
    std::string payload = "message " + std::to_string(number) + " from C++";
    for (;;) {
        RdKafka::ErrorCode error =
            producer.produce(topic, RdKafka::Topic::PARTITION_UA, RdKafka::Producer::RK_MSG_COPY, &payload[0],
                             payload.size(), nullptr, 0, 0, nullptr);
        if (error != RdKafka::ERR__QUEUE_FULL) {
            producer.poll(0);
            return error;
        }
        producer.poll(100);
    }
}

// Reads a count of messages; -1 where it is none.
long parse_count(const std::string &text) {
    try {
        std::size_t end = 0;
        long count = std::stol(text, &end);
        return end == text.size() && count > 0 ? count : -1;
    } catch (const std::logic_error &) {
        return -1;
    }
}

} // namespace

int main(int argc, char **argv) {
    const long count = argc == 4 ? parse_count(argv[3]) : 10;
    if (argc < 3 || argc > 4 || count < 0) {
        std::cerr << "usage: producer SOURCE TOPIC [COUNT]\n";
        return 2;
    }
    const std::string topic = argv[2];
    // Lives longer than the producer, which calls it.
    Deliveries deliveries;
    try {
        std::unique_ptr<RdKafka::Producer> producer = new_producer(argv[1], deliveries);
        for (long number = 1; number <= count; number++) {
            RdKafka::ErrorCode error = produce(*producer, topic, number);
            if (error != RdKafka::ERR_NO_ERROR) {
                std::cerr << "producer: cannot produce to " << topic << ": " << RdKafka::err2str(error) << '\n';
                break;
            }
        }
        // Every message has its delivery report by then: message.timeout.ms is shorter.
        producer->flush(70000);
    } catch (const std::exception &error) {
        std::cerr << "producer: " << error.what() << '\n';
        return 2;
    }
    std::cout << "delivered " << deliveries.delivered() << " of " << count << " messages to " << topic << '\n';
    return deliveries.delivered() == count ? 0 : 1;
}
