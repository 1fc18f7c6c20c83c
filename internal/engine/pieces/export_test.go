package pieces

// ReadAll reads a picture that was cut before.
var ReadAll = readAll
