package main

import "github.com/beckmesh/beck"

// picker returns what chooses the records to print; nil if all are.
func (f *consumeFlags) picker() func(*beck.Record) verdict {
	if f.partition.text == "" && f.grep.re == nil {
		return nil
	}
	return func(r *beck.Record) verdict {
		switch {
		case f.partition.text != "" && r.Partition != f.partition.text:
			return leaveIt
		case f.grep.re != nil && !f.grep.re.Match(r.Value):
			return passOver
		}
		return printIt
	}
}
