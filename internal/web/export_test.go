package web

// Routes are the addresses there are, each with its method.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}
