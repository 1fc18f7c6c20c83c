// Command sheetlift turns photos of sheets into one Excel file. See internal/cli for its commands.
package main

import (
	"os"

	"sheetlift/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
