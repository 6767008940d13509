//! `/metrics`, `/livez`, `/readyz`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::Board;
use crate::metrics::Metrics;

type Shared = (Arc<Board>, Arc<Metrics>);

/// Answers until `stop` is done.
pub async fn serve(
    listener: TcpListener,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(page))
        .route("/livez", get(|State((board, _)): State<Shared>| async move { probe(board.live()) }))
        .route("/readyz", get(|State((board, _)): State<Shared>| async move { probe(board.ready()) }))
        .with_state((board, metrics));
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn page(State((board, metrics)): State<Shared>) -> ([(&'static str, &'static str); 1], String) {
    ([("content-type", "text/plain; version=0.0.4")], metrics.page(&board))
}

fn probe(state: Result<(), String>) -> (StatusCode, String) {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
