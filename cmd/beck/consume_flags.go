package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/protocol"
)

// delivery is the flag type of --deliver.
type delivery struct{ consumer.Delivery }

func (d *delivery) Type() string { return "delivery" }

func (d *delivery) String() string {
	if d.Delivery == consumer.Stored {
		return "stored"
	}
	return "received"
}

// Choices implements chooser.
func (d *delivery) Choices() []string { return []string{"received", "stored"} }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (d *delivery) Set(text string) error {
	switch text {
	case "received":
		d.Delivery = consumer.AsReceived
	case "stored":
		d.Delivery = consumer.Stored
	default:
		return errors.New(`want "received" or "stored"`)
	}
	return nil
}

// pattern is the flag type of a regular expression.
type pattern struct{ re *regexp.Regexp }

func (p *pattern) Type() string { return "regexp" }

func (p *pattern) String() string {
	if p.re == nil {
		return ""
	}
	return p.re.String()
}

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (p *pattern) Set(text string) (err error) {
	p.re, err = regexp.Compile(text)
	return err
}

// address is the flag type of a node's address.
type address struct{ text string }

func (a *address) Type() string   { return "address" }
func (a *address) String() string { return a.text }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (a *address) Set(text string) error {
	if protocol.ValidAddress(text) != nil {
		return fmt.Errorf("want %d upper-case hexadecimal characters, as -f %%p prints them", protocol.AddressLen)
	}
	a.text = text
	return nil
}
