package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// receiptKey gives everybody the key with which receipts are checked, as a JWK.
func (s *Server) receiptKey(c echo.Context) error {
	return c.JSON(http.StatusOK, s.deps.Intake.ReceiptKey().JWK())
}

// receiptPEM gives the same key as openssl reads it.
func (s *Server) receiptPEM(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/x-pem-file", s.deps.Intake.ReceiptKey().PEM())
}
