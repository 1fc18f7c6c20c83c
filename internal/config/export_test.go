package config

// Unwritten is unwritten for tests.
var Unwritten = unwritten
