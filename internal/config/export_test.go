package config

// AppendError is appendError for tests.
var AppendError = appendError
