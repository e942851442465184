package model

import (
	"fmt"
	"strconv"
	"strings"
)

// Op is one operation: its verb and its arguments, unquoted.
type Op struct {
	Verb string
	Args []string
}

// Program is a list of operations.
type Program []Op

// String returns the operation as a line of text.
func (o Op) String() string {
	var b strings.Builder
	b.WriteString(o.Verb)
	for _, arg := range o.Args {
		b.WriteByte(' ')
		if plain(arg) {
			b.WriteString(arg)
		} else {
			b.WriteString(strconv.Quote(arg))
		}
	}
	return b.String()
}

func plain(s string) bool {
	for _, r := range s {
		if r <= ' ' || r == '"' || r == '\\' || r > '~' {
			return false
		}
	}
	return s != ""
}

// String returns the program as text.
func (p Program) String() string {
	var b strings.Builder
	for _, op := range p {
		b.WriteString(op.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Parse reads a program. Empty lines and those that begin with # are left out.
func Parse(text string) (Program, error) {
	var p Program
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		words, err := splitWords(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		p = append(p, Op{words[0], words[1:]})
	}
	return p, nil
}

func splitWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("bad string at %s", line)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("bad string %s", quoted)
		}
		words, line = append(words, word), line[len(quoted):]
	}
	return words, nil
}
