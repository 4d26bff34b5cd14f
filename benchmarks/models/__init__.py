"""Training and scoring beside scikit-learn and xgboost: the same users, cores and settings; time and quality."""
