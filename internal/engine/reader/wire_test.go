package reader

import (
	"bufio"
	"bytes"
	"image"
	"io"
	"reflect"
	"testing"
)

func TestPagesAndAnswersArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	page := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(page.Pix, []byte{0, 10, 20, 30, '\n', 255})
	var pipe bytes.Buffer
	for range 2 {
		if err := WritePage(&pipe, page); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewReader(&pipe)
	for range 2 {
		got, err := ReadPage(in)
		if err != nil || !reflect.DeepEqual(got, page) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if _, err := ReadPage(in); err != io.EOF {
		t.Errorf("behind the last page: %v", err)
	}

	a := Answer{Reader: "r", Words: []Word{{1, 2, 3, 4, "Σ “x”", 99.5}}, Problem: "p"}
	if err := WriteAnswer(&pipe, a); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAnswer(bufio.NewReader(&pipe))
	if err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte("P5\n3 2\n255\nabcdef"))
	f.Add([]byte("P5\n3 2\n255\nabc"))
	f.Add([]byte("P5\n65536 65536\n255\n"))
	f.Add([]byte("P6\n-1 2\n255\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadPage(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		if p.Stride != p.Rect.Dx() || len(p.Pix) != p.Rect.Dx()*p.Rect.Dy() || len(p.Pix) > len(data) {
			t.Errorf("%v of %d bytes from %d", p.Rect, len(p.Pix), len(data))
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte("2\n{}"))
	f.Add([]byte(`56` + "\n" + `{"words":[{"l":1,"t":2,"r":9,"b":8,"s":" a b","c":1e9}]}`))
	f.Add([]byte("99999999999999999999\n"))
	f.Add([]byte("-1\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ReadAnswer(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		for _, w := range a.layoutWords(100, 50) {
			if w.Empty() || w.Left < 0 || w.Top < 0 || w.Right > 100 || w.Bottom > 50 || w.Text == "" || !(w.Conf >= 0 && w.Conf <= 100) {
				t.Errorf("%+v", w)
			}
		}
	})
}
