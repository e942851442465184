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
		r := &codeReader{reader: reader{data: s.content}}
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

// producer returns the version of a producer. Of fields there is a number: name, number of values,
// and of each value its name and its version.
func (r *codeReader) producer(name string) (version string) {
	for fields := r.unsigned(); fields > 0 && r.err == nil; fields-- {
		r.string()
		for values := r.unsigned(); values > 0 && r.err == nil; values-- {
			if its, v := r.string(), r.string(); its == name {
				version = v
			}
		}
	}
	return version
}

func (r *codeReader) string() string {
	length := int(r.unsigned())
	if length > len(r.data)-r.at {
		r.err = errTruncated
	}
	if r.err != nil {
		return ""
	}
	r.at += length
	return string(r.data[r.at-length : r.at])
}
