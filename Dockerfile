# What is needed at run time is installed by bun.lock; no package may run a script (`bun run audit` says which have any).
FROM oven/bun:1.4.5 AS dependencies
WORKDIR /app
COPY package.json bun.lock ./
RUN bun install --production --frozen-lockfile --ignore-scripts
# The next image has no shell that could make it.
RUN mkdir -m 0700 /data

# Bun and what it is linked with: no shell, no package manager.
FROM oven/bun:1.4.5-distroless
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY routes ./routes
COPY --from=dependencies --chown=65532:65532 /data /data
# Loopback is the container's alone; to listen elsewhere Connack asks for access control to be on.
ENV CONNACK_HOST=0.0.0.0 CONNACK_PORT=8080 CONNACK_STORE=sqlite:/data/connack.db CONNACK_LOG_FORMAT=json \
    BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/bun", "src/main.ts", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/bun", "src/main.ts"]
