package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

// oneTopic is the argument check of the commands on a topic.
func oneTopic(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one TOPIC, not %d", len(args))
	}
	return checkTopic(args[0])
}

// checkTopics is the argument check of commands on several topics or patterns.
func checkTopics(topics []string) error {
	if len(topics) == 0 {
		return errors.New("give at least one TOPIC")
	}
	for _, t := range topics {
		if strings.ContainsAny(t, `*>\`) {
			continue // a pattern, which the consumer checks
		}
		if err := checkTopic(t); err != nil {
			return err
		}
	}
	return nil
}

// checkTopic returns what is wrong with a topic's name.
func checkTopic(topic string) error {
	if err := protocol.ValidTopic(topic); err != nil {
		return fmt.Errorf("TOPIC has %d bytes: a topic has 1 to %d bytes without NUL", len(topic), protocol.MaxTopic)
	}
	return nil
}

// checkOwnTopic is checkTopic for a topic to publish to.
func checkOwnTopic(topic string) error {
	if strings.HasPrefix(topic, protocol.ReservedTopics) {
		return usagef("topics that begin with %q are beck's own", protocol.ReservedTopics)
	}
	return checkTopic(topic)
}
