// Command sheetlift-reader finds and reads the words of pages that sheetlift gives it over a pipe; see internal/engine/reader. Its
// argument is the folder that it unpacks its library into.
package main

import (
	"fmt"
	"os"

	"sheetlift/internal/engine/neural"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "sheetlift starts this program by itself: sheetlift-reader FOLDER")
		os.Exit(2)
	}
	os.Exit(neural.Program(os.Args[1], os.Stdin, os.Stdout, os.Stderr))
}
