// Package cli implements the commands of the program: thin wrappers over internal/app, internal/admin and the client for programs.
package cli

import (
	"errors"
	"io"
	"runtime/debug"

	"fmt"

	"sheetlift/internal/imaging"
)

// The exit codes.
const (
	ok          = 0
	failed      = 1
	usage       = 2   // invalid settings or command; nothing was opened
	partly      = 3   // some images could not be read; the file has the others
	interrupted = 130 // as shells say for SIGINT; the same command goes on where it stopped
)

// exit is the end of a command with a code and without a message: everything was said.
type exit int

// Error implements error.
func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Main runs the command in args and returns the exit code.
func Main(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == imaging.DecodeHEICCommand { // started by the server itself, not by people
		if err := imaging.DecodeHEIC(args[1], stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return failed
		}
		return ok
	}
	s := &shell{environ: environ, in: stdin, out: stdout, err: stderr}
	root := s.root()
	root.SetArgs(s.doubleDashes(args))
	err := root.Execute()
	if code, done := errors.AsType[exit](err); done {
		return int(code)
	}
	if err == nil {
		return ok
	}
	fmt.Fprintln(stderr, "sheetlift:", explain(err))
	if !s.running || isUsage(err) {
		return usage
	}
	return failed
}

// Version returns the module version and the commit of the build, as far as they are known.
func Version() string {
	info, okay := debug.ReadBuildInfo()
	if !okay {
		return "unknown"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "development"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				version += " " + s.Value[:12]
			}
		}
	}
	return version
}
