// Package e2e holds the end-to-end tests: all tests that start the whole program, in this process or as a process of its
// own, most of them with Chromium in front of it. They check it from outside, as people and programs use it: over HTTP, on
// the disk, by its exit code. The package holds nothing else, and nothing imports it. It runs without the race detector
// (docs/adr/0053-where-the-race-detector-watches.md); make race runs it with the detector.
package e2e
