package main

import (
	"fmt"

	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

// oneTopic is the argument check of the commands on a topic.
func oneTopic(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one TOPIC, not %d", len(args))
	}
	if err := protocol.ValidTopic(args[0]); err != nil {
		return fmt.Errorf("TOPIC has %d bytes: a topic has 1 to %d bytes without NUL", len(args[0]), protocol.MaxTopic)
	}
	return nil
}
