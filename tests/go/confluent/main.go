// Sends messages and gets them back, with confluent-kafka-go as it is built by default: confluent SERVERS TOPIC SECONDS
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

func main() {
	log.SetFlags(0)
	seconds, _ := strconv.Atoi(os.Args[3])
	limit := time.Duration(seconds) * time.Second
	time.AfterFunc(limit, func() { log.Fatal("nothing after ", limit) })

	producer, err := kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": os.Args[1]})
	if err != nil {
		log.Fatal("no producer: ", err)
	}
	missing := map[string]bool{}
	topic := kafka.TopicPartition{Topic: &os.Args[2], Partition: kafka.PartitionAny}
	for n := range 30 {
		message := fmt.Sprintf("confluent-kafka-go %d %d", os.Getpid(), n)
		missing[message] = true
		if err := producer.Produce(&kafka.Message{TopicPartition: topic, Value: []byte(message)}, nil); err != nil {
			log.Fatal("not taken: ", err)
		}
	}
	for range missing {
		for {
			message, is := (<-producer.Events()).(*kafka.Message)
			if !is {
				continue
			}
			if message.TopicPartition.Error != nil {
				log.Fatal("not delivered: ", message.TopicPartition.Error)
			}
			break
		}
	}

	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": os.Args[1], "group.id": fmt.Sprint("confluent-", os.Getpid()), "auto.offset.reset": "earliest",
	})
	if err != nil {
		log.Fatal("no consumer: ", err)
	}
	if err := consumer.Subscribe(os.Args[2], nil); err != nil {
		log.Fatal("not subscribed: ", err)
	}
	for len(missing) > 0 {
		if message, err := consumer.ReadMessage(time.Second); err == nil {
			delete(missing, string(message.Value))
		}
	}
	fmt.Println("confluent-kafka-go works")
}
