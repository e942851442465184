package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The scripts in testdata are command lines of varve and what they must do:
//
//	# a comment
//	$ put STORE key "a value"   a command; quoted arguments are Go strings
//	< line                      a line of its standard input
//	> line                      a line that it prints
//	! line                      a line that it prints to standard error
//	? 1                         its exit status, if not 0
//
// A "*" in what is expected stands for any number.
//
// They run in a directory of their own, which the script's own commands prepare and look at:
// mkdir DIR, write FILE CONTENT, rm FILE, ls DIR. A second passes between two looks at the clock.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %v, %v", scripts, err)
	}
	for _, path := range scripts {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			runScript(t, string(content))
		})
	}
}

func runScript(t *testing.T, content string) {
	lines := strings.Split(strings.TrimRight(content, "\n"), "\n")
	for i := 0; i < len(lines); {
		command, isCommand := strings.CutPrefix(lines[i], "$ ")
		if !isCommand {
			if lines[i] != "" && lines[i][0] != '#' {
				t.Fatalf("line %d: %q stands where a command should", i+1, lines[i])
			}
			i++
			continue
		}
		at := i + 1
		var stdin, want strings.Builder
		for i++; i < len(lines) && lines[i] != "" && strings.ContainsRune("<>!?", rune(lines[i][0])); i++ {
			if text, ok := strings.CutPrefix(lines[i], "<"); ok {
				stdin.WriteString(strings.TrimPrefix(text, " ") + "\n")
			} else {
				want.WriteString(lines[i] + "\n")
			}
		}
		if got := runCommand(t, stdin.String(), splitArguments(t, command)); !matches(got, want.String()) {
			t.Errorf("line %d: $ %s\ngot:\n%swant:\n%s", at, command, got, want.String())
		}
	}
}

func matches(got, pattern string) bool {
	pattern = strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "[0-9]+")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

// runCommand returns what a command did, in the script's notation.
func runCommand(t *testing.T, stdin string, args []string) string {
	t.Helper()
	switch args[0] {
	case "mkdir":
		check(t, os.Mkdir(args[1], 0o755))
		return ""
	case "write":
		check(t, os.WriteFile(args[1], []byte(args[2]), 0o644))
		return ""
	case "rm":
		check(t, os.Remove(args[1]))
		return ""
	case "ls":
		entries, err := os.ReadDir(args[1])
		check(t, err)
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return marked(">", strings.Join(names, "\n"))
	}
	r := runVarve(stdin, args...)
	did := marked(">", r.out) + marked("!", r.err)
	if r.status != 0 {
		did += fmt.Sprintf("? %d\n", r.status)
	}
	return did
}

// marked puts mark before every line of text.
func marked(mark, text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
	return b.String()
}

func splitArguments(t *testing.T, line string) (args []string) {
	t.Helper()
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			var bare string
			bare, line, _ = strings.Cut(line, " ")
			args = append(args, bare)
			continue
		}
		arg, err := strconv.Unquote(quoted)
		check(t, err)
		args = append(args, arg)
		line = line[len(quoted):]
	}
	return args
}

// result is what one run of varve did.
type result struct {
	status   int
	out, err string
}

func runVarve(stdin string, args ...string) result {
	var out, errs strings.Builder
	env := &environment{in: strings.NewReader(stdin), out: &out, err: &errs, now: clock()}
	status := env.run(args)
	return result{status, out.String(), errs.String()}
}

// clock is one by which a second passes between two looks.
func clock() func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
