// Sends messages and gets them back, with kafka-go: segmentio SERVERS TOPIC SECONDS
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

func main() {
	log.SetFlags(0)
	seconds, _ := strconv.Atoi(os.Args[3])
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	servers := strings.Split(os.Args[1], ",")

	missing := map[string]bool{}
	messages := []kafka.Message{}
	for n := range 30 {
		message := fmt.Sprintf("kafka-go %d %d", os.Getpid(), n)
		missing[message] = true
		messages = append(messages, kafka.Message{Value: []byte(message)})
	}
	writer := kafka.Writer{Addr: kafka.TCP(servers...), Topic: os.Args[2], BatchTimeout: 10 * time.Millisecond}
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		log.Fatal("not delivered: ", err)
	}

	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: servers, Topic: os.Args[2], GroupID: fmt.Sprint("kafka-go-", os.Getpid()), StartOffset: kafka.FirstOffset,
	})
	defer reader.Close()
	for len(missing) > 0 {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			log.Fatal("not received: ", err)
		}
		delete(missing, string(message.Value))
	}
	fmt.Println("kafka-go works")
}
