package engine

import "fmt"

// plural counts things: "1 table", "2 tables".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
