// Sends messages and gets them back, with Sarama: sarama SERVERS TOPIC SECONDS
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

func main() {
	log.SetFlags(0)
	seconds, _ := strconv.Atoi(os.Args[3])
	limit := time.Duration(seconds) * time.Second
	time.AfterFunc(limit, func() { log.Fatal("nothing after ", limit) })
	config := sarama.NewConfig()
	config.Version = sarama.V1_0_0_0
	config.Producer.Return.Successes = true
	client, err := sarama.NewClient(strings.Split(os.Args[1], ","), config)
	if err != nil {
		log.Fatal("no client: ", err)
	}
	defer client.Close()

	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		log.Fatal("no producer: ", err)
	}
	missing := map[string]bool{}
	for n := range 30 {
		message := fmt.Sprintf("sarama %d %d", os.Getpid(), n)
		missing[message] = true
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: os.Args[2], Value: sarama.StringEncoder(message)})
		if err != nil {
			log.Fatal("not delivered: ", err)
		}
	}

	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		log.Fatal("no consumer: ", err)
	}
	partitions, err := consumer.Partitions(os.Args[2])
	if err != nil {
		log.Fatal("no partitions: ", err)
	}
	messages := make(chan string)
	for _, partition := range partitions {
		stream, err := consumer.ConsumePartition(os.Args[2], partition, sarama.OffsetOldest)
		if err != nil {
			log.Fatal("no messages: ", err)
		}
		go func() {
			for message := range stream.Messages() {
				messages <- string(message.Value)
			}
		}()
	}
	for len(missing) > 0 {
		delete(missing, <-messages)
	}
	fmt.Println("sarama works")
}
