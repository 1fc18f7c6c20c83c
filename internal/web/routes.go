package web

import (
	"github.com/labstack/echo/v4"

	"sheetlift/internal/export"
	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// metricsPath is the endpoint for Prometheus. It requires the same role as the pages.
const metricsPath = "/metrics"

const (
	healthPath    = "/health"
	livePath      = "/healthz"
	readyPath     = "/readyz"
	templatesPath = "/templates"            // accepts a file of saved columns
	firstUpload   = "/batch-process-images" // the upload of the first version
)

// routes registers every route.
func (s *Server) routes(e *echo.Echo) {
	e.Use(s.noteRoute, s.recoverPanics, gzip(), s.admit, s.forms, api.KnownQuery())

	e.GET("/", s.startPage)
	e.GET("/events", s.startEvents, s.wire)
	e.GET("/figures", s.figuresPage)
	e.GET("/keys", s.keysPage)
	e.GET("/keys/events", s.keysEvents, s.wire)
	e.POST("/keys", s.addKey)
	e.POST("/keys/test", s.testKey)
	e.POST("/keys/enable", s.enableKey)
	e.POST("/keys/disable", s.disableKey)
	e.GET("/tokens", s.tokensPage)
	e.POST("/tokens", s.createToken)
	e.POST("/tokens/revoke", s.revokeToken)
	e.GET("/api-docs", s.apiPage)
	e.GET("/log", s.logPage)
	e.POST("/log", s.setLog)
	e.GET("/webhooks", s.webhooksPage)
	e.GET("/login", s.loginPage)
	e.POST("/login", s.login)
	e.POST("/logout", s.logout)
	e.POST("/language", s.chooseLanguage)
	e.POST("/who", s.nameMe)
	e.GET(healthPath, s.healthPage)
	e.GET(livePath, s.livePage)
	e.GET(readyPath, s.readyPage)
	if s.metrics != nil {
		e.GET(metricsPath, echo.WrapHandler(s.metrics))
	}
	e.GET("/static/:name", s.asset)

	e.POST("/demo", s.openDemo)
	e.POST("/demo/leave", s.leaveDemo)

	e.POST(templatesPath, s.importTemplate)
	e.GET("/templates/:file", s.exportTemplate)
	e.POST("/templates/:id/rename", s.renameTemplate)

	e.POST("/batches", s.createBatch)
	b := e.Group("/batches/:id")
	b.GET("", s.batchPage)
	b.POST("/names", s.saveNames)
	b.POST("/names/pattern", s.naming(s.namePattern))
	b.POST("/names/replace", s.naming(s.nameReplace))
	b.POST("/names/paste", s.naming(s.namePaste))
	b.POST("/names/undo", s.naming(s.nameUndo))
	b.POST("/order", s.naming(s.sortImages))
	b.POST("/columns", s.saveColumns)
	b.POST("/preview", s.previewImage)
	b.POST("/start", s.startBatch)
	b.POST("/retry", s.retryFailed)
	b.POST("/pause", s.action(s.pauseBatch))
	b.POST("/resume", s.action(s.resumeBatch))
	b.POST("/offline", s.action(s.readOffline))
	b.POST("/cancel", s.action(s.cancelBatch))
	b.POST("/unschedule", s.unscheduleBatch)
	b.POST("/settings", s.setBatch)
	b.POST("/model", s.setModel)
	b.POST("/delete", s.deleteBatch)
	b.POST("/undelete", s.action(s.undeleteBatch))
	b.GET("/events", s.events, s.wire)
	b.GET("/head", s.liveHead)
	b.GET("/notes", s.noteEvents, s.wire)
	b.GET("/workbook.xlsx", s.workbook)
	b.GET("/append", s.appendPage)
	b.POST("/append", s.appendSubmit)
	s.rowsFiles(b)

	b.GET("/uploads", s.uploads)
	b.POST("/images", s.addImages)
	b.PUT("/images/:upload", s.uploadImage)
	b.GET("/images/:n", s.imagePage)
	b.GET("/images/:n/thumb", s.thumb)
	b.GET("/images/:n/picture", s.picture)
	b.POST("/images/:n/out", s.naming(s.leaveOut(true)))
	b.POST("/images/:n/in", s.naming(s.leaveOut(false)))
	b.POST("/images/:n/turn", s.naming(s.turnImage))
	b.POST("/images/:n/move", s.naming(s.moveImage))
	b.POST("/images/:n/retry", s.retryImage)
	b.POST("/images/:n/cancel", s.cancelImage)
	b.POST("/images/:n/priority", s.setImage)
	b.POST("/images/:n/name", s.nameImage)
	b.POST("/images/:n/edits", s.editImage)
	b.POST("/images/:n/type", s.typeImage)
	b.GET("/check", s.queuePage)
	b.POST("/check", s.answerDoubt)
	b.GET("/check/doubts", s.queueDoubts)
	b.GET("/check/rows/:n", s.queueRows)
	b.GET("/rows", s.rowsPage)
	b.GET("/rows/order", s.rowsOrder)
	b.GET("/rows/lines", s.rowsLines)
	b.POST("/rows/edits", s.rowsEdit)
	b.POST("/rows/replace", s.replaceRows)

	s.programRoutes(e)
	for _, r := range e.Routes() {
		s.routed[r.Method+" "+r.Path] = true
	}
}

// programRoutes registers the API and the endpoints of the first version.
func (s *Server) programRoutes(e *echo.Echo) {
	if s.pool != nil {
		e.GET("/api/v1/keys", api.Keys(s.pool, views.Why))
	}
	v1 := e.Group("/api/v1/batches")
	waiting := api.Waiting{Bound: s.wire}
	if s.feed != nil {
		waiting.Stop = s.feed.Stopping()
	}
	api.NewBatches(s.services, s.progress, waiting).Register(v1)
	e.GET(api.DocumentPath, s.openAPI)
	e.GET("/api/v1/figures", api.Figures(s.batches))
	v1.PUT("/:id/images/:upload", s.uploadImage)
	v1.GET("/:id/workbook.xlsx", s.workbook)
	v1.GET("/:id/events", s.jsonEvents, s.wire)
	s.rowsFiles(v1.Group("/:id"))
	s.appendRoutes(v1.Group("/:id"))
	first := api.New(s.services, s.progress, s.cfg.MaxBytes)
	e.POST(firstUpload, first.Process, s.rollingDeadline)
	e.GET("/batch-status/:id", first.Status)
	e.GET("/batch-results/:id", first.Results)
}

// rowsFiles registers the files with the rows of a batch.
func (s *Server) rowsFiles(g *echo.Group) {
	for _, format := range export.Formats() {
		g.GET("/rows."+string(format), s.rowsFile(format))
	}
}
