//go:build tools

// Names the programs of others that the tests build, so that go.mod has what they need.
package tools

import (
	_ "github.com/IBM/sarama/tools/kafka-console-consumer"
	_ "github.com/IBM/sarama/tools/kafka-console-producer"
)
