package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the version",
		setup: func(*flag.FlagSet) action {
			return version
		},
	}
}

func version(env *environment, _ []string) error {
	number := "(devel)"
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		number = build.Main.Version
	}
	_, err := fmt.Fprintf(env.out, "varve %s %s %s/%s\n", number, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
