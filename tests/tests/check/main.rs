//! Each rule finds a real fault on the real kernel and only that; nothing on healthy processes.

mod churn;
mod contract;
mod foreign_process;
mod healthy;
mod leaks;
mod names;
mod pipelines;
mod programs;
mod queues;
mod scenes;
mod services;
