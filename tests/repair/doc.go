// Package repair cuts the repair of a damaged store at every operation of its file system, and
// lets every operation fail, and checks that repairing again gives what an undisturbed repair
// gives.
package repair
