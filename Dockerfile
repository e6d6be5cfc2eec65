# One node, or a client, of the server: `docker build -t raft-roadmap .`, `docker run raft-roadmap --help`.
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
COPY stages stages
COPY client client
COPY test test
RUN npm run build

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && npm cache clean --force
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/stages dist/stages
COPY --from=build /app/dist/client dist/client
# The `.proto` files are read from there, and `scenario` reads its catalogue.
COPY stages stages
COPY src/proof/scenario/scripts src/proof/scenario/scripts
RUN chmod +x dist/client/main.js \
 && ln -s /app/dist/client/main.js /usr/local/bin/raft-roadmap \
 && mkdir /data && chown node:node /data
USER node
VOLUME /data
# A node stops cleanly at SIGTERM, also as process 1. The flag is the one that `raft-roadmap run` gives its nodes.
ENTRYPOINT ["node", "--max-semi-space-size=32", "/app/dist/client/main.js"]
CMD ["--help"]
