package model

// Shrink returns a part of the program that still fails, from which no piece that was tried can
// be left out. It calls fails at most tries times.
func Shrink(p Program, tries int, fails func(Program) bool) Program {
	for size := len(p) / 2; size > 0; size /= 2 {
		for from := 0; from < len(p) && tries > 0; {
			tries--
			rest := append(append(Program{}, p[:from]...), p[min(from+size, len(p)):]...)
			if fails(rest) {
				p = rest
			} else {
				from += size
			}
		}
	}
	return p
}
