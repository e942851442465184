package main

import (
	"bytes"
	"errors"
	"fmt"
)

// lineFormat explains the lines that scan prints and import reads.
const lineFormat = `
A line is the key, a tab, and the value. In both, tab, newline, carriage return and backslash
are written \t, \n, \r and \\; every other byte stands for itself.`

// appendLine appends the line of an entry, newline included.
func appendLine(dst, key, value []byte) []byte {
	dst = appendEscaped(dst, key)
	dst = append(dst, '\t')
	dst = appendEscaped(dst, value)
	return append(dst, '\n')
}

func appendEscaped(dst, src []byte) []byte {
	for _, c := range src {
		switch c {
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\\':
			dst = append(dst, `\\`...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// parseLine is the inverse of appendLine, for a line without its newline. key and value share
// the bytes of line, which it overwrites.
func parseLine(line []byte) (key, value []byte, err error) {
	key, value, found := bytes.Cut(line, []byte{'\t'})
	if !found {
		return nil, nil, errors.New("no tab between a key and a value")
	}
	if bytes.IndexByte(value, '\t') >= 0 {
		return nil, nil, errors.New(`more than one tab; those in a key or value are written \t`)
	}
	if key, err = unescape(key); err != nil {
		return nil, nil, fmt.Errorf("key: %w", err)
	}
	if value, err = unescape(value); err != nil {
		return nil, nil, fmt.Errorf("value: %w", err)
	}
	return key, value, nil
}

// unescape is the inverse of appendEscaped, in place.
func unescape(src []byte) ([]byte, error) {
	first := bytes.IndexByte(src, '\\')
	if first < 0 {
		return src, nil
	}
	dst := src[:first]
	for i := first; i < len(src); i++ {
		c := src[i]
		if c == '\\' {
			if i++; i == len(src) {
				return nil, errors.New("a lone backslash at the end")
			}
			switch src[i] {
			case 't':
				c = '\t'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case '\\':
			default:
				return nil, fmt.Errorf(`unknown escape \%c`, src[i])
			}
		}
		dst = append(dst, c)
	}
	return dst, nil
}
