// Sends messages and gets them back, with franz-go: franz SERVERS TOPIC SECONDS
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	log.SetFlags(0)
	seconds, _ := strconv.Atoi(os.Args[3])
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(os.Args[1], ",")...), kgo.DefaultProduceTopic(os.Args[2]),
		kgo.ConsumeTopics(os.Args[2]), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	missing := map[string]bool{}
	for n := range 30 {
		message := fmt.Sprintf("franz-go %d %d", os.Getpid(), n)
		missing[message] = true
		if err := client.ProduceSync(ctx, kgo.StringRecord(message)).FirstErr(); err != nil {
			log.Fatal("not delivered: ", err)
		}
	}
	for len(missing) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			log.Fatal("not received: ", err)
		}
		fetches.EachRecord(func(record *kgo.Record) { delete(missing, string(record.Value)) })
	}
	fmt.Println("franz-go works")
}
