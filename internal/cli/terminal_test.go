package cli

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asProgram is the variable that makes this test binary be the program itself.
const asProgram = "TEST_AS_SHEETLIFT"

// awaitLine reads until a line has the text, and returns the text up to there.
func awaitLine(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var all strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			t.Fatalf("%q did not come: %s", text, all.String())
		}
		if strings.Contains(line, text) {
			return all.String()
		}
	}
}

func drain(r io.Reader) string {
	data, _ := io.ReadAll(r) // the text until the end
	return string(data)
}

// terminal opens a pseudo terminal.
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo terminals here")
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, screen.Fd(), unix.TIOCGPTPEER, uintptr(unix.O_RDWR|unix.O_NOCTTY))
	if errno != 0 {
		t.Skip("no pseudo terminals here")
	}
	return screen, os.NewFile(fd, "terminal")
}

func TestATerminalGetsABarInsteadOfLines(t *testing.T) {
	t.Parallel()
	_, environ := google(t)
	screen, program := terminal(t)
	text := make(chan string)
	go func() { text <- drain(screen) }()
	code := Main([]string{"run", pictures(t, 2), "-o", t.TempDir() + "/out.xlsx"}, environ, strings.NewReader(""), io.Discard, program)
	if err := program.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case said := <-text:
		if code != ok || !strings.Contains(said, bar(1, 1)+" 2/2 read") || strings.Contains(said, "sheet-1.jpg: ") || !strings.Contains(said, "2 images of 2 in ") {
			t.Errorf("exit code %d: %q", code, said)
		}
	case <-time.After(time.Minute):
		t.Error("the terminal was not closed")
	}
}
