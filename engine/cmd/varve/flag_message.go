package main

import (
	"fmt"
	"regexp"
	"strings"
)

// What package flag says of a flag. It names all with one dash; the help here has two.
var (
	unknownFlag  = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	flagAlone    = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	invalidValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^ ]*): (.*)$`)
)

// flagMessage is what is wrong with the flags, in words of our own.
func flagMessage(err error) string {
	text := err.Error()
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf(`no flag is called %q; put "--" before a key, value or name that begins with a dash`, m[1])
	}
	if m := flagAlone.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("--%s needs a value behind it", m[1])
	}
	if m := invalidValue.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("--%s can't be %s%s", m[2], m[1], strings.TrimSuffix(": "+m[3], ": parse error"))
	}
	return text
}
