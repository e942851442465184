package main

import (
	"errors"
	"fmt"
	"strings"
)

// knownGo is the version of Go that slim is written for. What another one's runtime reads in the
// tables, and what its compiler takes for granted, can't be seen in a module.
const knownGo = "go1.26"

// customSection is a section of any name and content.
const customSection = 0

// checkVersion refuses a module that another version of Go made.
func (m *module) checkVersion() error {
	for _, s := range m.sections {
		if s.id != customSection {
			continue
		}
		r := &stringReader{reader: reader{data: s.content}}
		if r.string() != "producers" {
			continue
		}
		version := r.producer("Go cmd/compile")
		if r.err != nil {
			return r.err
		}
		if minor, ok := strings.CutPrefix(version, knownGo); !ok || minor != "" && '0' <= minor[0] && minor[0] <= '9' {
			return fmt.Errorf("the module was made by %q, and only %s is known", version, knownGo)
		}
		return nil
	}
	return errors.New("the module does not tell which Go made it")
}

// stringReader reads strings and counts, and keeps the first error.
type stringReader struct {
	reader
	err error
}

// producer returns the version of a producer. Of fields there is a number: name, number of values,
// and of each value its name and its version.
func (r *stringReader) producer(name string) (version string) {
	for fields := r.count(); fields > 0 && r.err == nil; fields-- {
		r.string()
		for values := r.count(); values > 0 && r.err == nil; values-- {
			if its, v := r.string(), r.string(); its == name {
				version = v
			}
		}
	}
	return version
}

func (r *stringReader) count() int {
	n, err := r.number()
	if r.err == nil {
		r.err = err
	}
	return n
}

func (r *stringReader) string() string {
	length := r.count()
	if length > len(r.data)-r.at {
		r.err = errTruncated
	}
	if r.err != nil {
		return ""
	}
	r.at += length
	return string(r.data[r.at-length : r.at])
}
