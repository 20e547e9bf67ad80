FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && make tablet
RUN go build -trimpath -o /suyang ./cmd/suyang

# The program links to glibc, so the image is Debian and not Alpine. The engine library is
# not in it: SUYANG_CLICKHOUSE names a server.
FROM debian:bookworm-slim
RUN useradd --system --create-home --home-dir /state suyang
COPY --from=build /suyang /usr/local/bin/suyang
USER suyang
ENV SUYANG_STATE=/state
ENTRYPOINT ["suyang"]
CMD ["serve"]
